import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Metadata } from './elements.tsx';
import { beginningOf, cutApart, excerptOf, type TextParts } from './text-parts.ts';
import { type Content, type Marks, marksOf } from './version-differences.ts';

interface VersionContentProps {
  readonly content: Content;
  /** What differs from these is marked. */
  readonly others: readonly Content[];
  /** When it was written. */
  readonly children: ComponentChildren;
}

/** A version of a memory, to be compared with others. */
export function VersionContent({ content, others, children }: VersionContentProps) {
  const marks = marksOf(content, others);
  const members = Object.entries(content.metadata ?? {});
  const pick = (isMarked: boolean) =>
    Object.fromEntries(members.filter(([name]) => marks.metadata.has(name) === isMarked));
  return (
    <>
      <MarkedText text={content.text} others={others.map(({ text }) => text)} />
      <PlainFacts of={content} marks={marks}>
        {children}
      </PlainFacts>
      <div class="different">
        <Metadata metadata={pick(true)} />
      </div>
      <Metadata metadata={pick(false)} />
    </>
  );
}

interface MarkedTextProps {
  readonly text: string;
  /** What it is compared with. */
  readonly others: readonly string[];
}

/** How much of a text is shown that does not differ from the others. */
const SHOWN = 240;

/** A text with what differs from other texts marked; of a long one only that, until one asks for all. */
function MarkedText({ text, others }: MarkedTextProps) {
  const [whole, setWhole] = useState(false);
  const parts = cutApart(text, others);
  const excerpt = parts === undefined ? beginningOf(text, SHOWN) : excerptOf(parts);
  const isCut = typeof excerpt === 'string' ? excerpt !== text : joined(excerpt) !== text;
  return (
    <>
      <p class="text whole" dir="auto">
        {whole ? withMark(parts ?? text) : withMark(excerpt)}
      </p>
      {isCut ? (
        <button
          type="button"
          class="quiet unfold"
          aria-expanded={whole}
          onClick={() => {
            setWhole(!whole);
          }}
        >
          Show whole text
        </button>
      ) : null}
    </>
  );
}

function withMark(shown: TextParts | string) {
  if (typeof shown === 'string') return shown;
  // An empty mark stands where only the others say something.
  return (
    <>
      {shown.start}
      <mark>{shown.middle}</mark>
      {shown.end}
    </>
  );
}

function joined({ start, middle, end }: TextParts): string {
  return start + middle + end;
}

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
