import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Metadata } from './elements.tsx';
import { beginningOf, cutApart, excerptOf, type TextParts } from './text-parts.ts';
import { type Content, type Marks, marksOf } from './version-differences.ts';

interface VersionContentProps {
  readonly content: Content;
  /** Versions to compare with. Differences are marked. */
  readonly others: readonly Content[];
  /** The time of the version. */
  readonly children: ComponentChildren;
}

/** A version of a memory, with marks where it differs from others. */
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
  /** Texts to compare with. */
  readonly others: readonly string[];
}

/** Length of the shown part of a text without differences, in code units. */
const SHOWN = 240;

/** A text with its differences marked. Of a long text only the part around the differences is shown at first. */
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
  // An empty mark shows the place where only the other texts have words.
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
  /** The parts to mark. */
  readonly marks?: Marks;
  /** The time of the version. */
  readonly children: ComponentChildren;
}

/** Time, source and tags of an old version or a deleted memory. Its tags are not links to a search. */
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
