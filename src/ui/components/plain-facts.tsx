import type { ComponentChildren } from 'preact';
import type { Content, Marks } from '../version-differences.ts';

interface PlainFactsProps {
  readonly of: Pick<Content, 'tags' | 'source'>;
  /** What to mark. */
  readonly marks?: Marks;
  /** When it was written. */
  readonly children: ComponentChildren;
}

/** What surrounds a text that is not among the memories now, so that its tags lead nowhere. */
export function PlainFacts({ of: { tags = [], source }, marks, children }: PlainFactsProps) {
  return (
    <p class="facts">
      {children}
      {source === undefined ? null : (
        <span class="source">from {marks?.source === true ? <mark>{source}</mark> : source}</span>
      )}
      {tags.map((tag) =>
        marks?.tags.has(tag) === true ? (
          <mark class="tag" key={tag}>
            {tag}
          </mark>
        ) : (
          <span class="tag" key={tag}>
            {tag}
          </span>
        ),
      )}
    </p>
  );
}
