import { useState } from 'preact/hooks';
import { beginningOf, excerptOf } from '../excerpt.ts';
import { cutApart, type TextParts } from '../text-parts.ts';

interface MarkedTextProps {
  readonly text: string;
  /** What it is compared with. */
  readonly others: readonly string[];
}

/** How much of a text is shown that does not differ from the others. */
const SHOWN = 240;

/** A text with what differs from other texts marked; of a long one only that, until one asks for all. */
export function MarkedText({ text, others }: MarkedTextProps) {
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
