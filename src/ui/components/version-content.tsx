import type { ComponentChildren } from 'preact';
import { marksOf, type Content } from '../version-differences.ts';
import { MarkedText } from './marked-text.tsx';
import { Metadata } from './metadata.tsx';
import { PlainFacts } from './plain-facts.tsx';

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
