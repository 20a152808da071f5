import { labelOf, type Part, type ShownMemory, type Stretch, valueOf } from '../api/memory-parts.ts';
import { tokensOf } from '../api/answer-size.ts';
import { beginning, type Data, memoryData } from '../api/memory-answers.ts';
import type { Memory } from '../memory/memory.ts';
import { heading, lines, noticeOf, quote } from './render.ts';
import type { TimeZone } from '../util/time-zone.ts';
import { withoutHidden } from '../util/visible-text.ts';

export function renderPart({ shown, next }: Part, zone: TimeZone): string {
  return lines(
    noticeOf(zone),
    shown[0]?.memory.stale ?? '',
    ...shown.map((one) => renderShown(one, zone)),
    next === undefined
      ? ''
      : `Not all is shown, so that the answer stays short. Read on: memory_get with the same ids and cursor ${next}`,
  );
}

function renderShown({ memory, stretches, hasLongDetails }: ShownMemory, zone: TimeZone): string {
  const hasDetails = Object.keys(memory.metadata).length > 0 && !hasLongDetails;
  return lines(
    heading(hasLongDetails ? { ...memory, tags: [] } : memory, zone),
    ...stretches.flatMap((stretch) => [
      labelOf(stretch),
      quote(shownOf(stretch)),
      hasDetails && stretch.name === 'text' && stretch.to === stretch.value.length
        ? `metadata\n${quote(withoutHidden(JSON.stringify(memory.metadata)))}`
        : '',
    ]),
  );
}

/** The details are JSON, which is one line whatever a member holds. */
function shownOf(stretch: Stretch): string {
  const value = valueOf(stretch);
  if (stretch.name === 'details') return withoutHidden(value);
  return endsWithLine(stretch) ? value.slice(0, -1) : value;
}

/** The line feed between two parts is the one between their last and first lines. */
function endsWithLine({ value, to }: Stretch): boolean {
  return to < value.length && value[to - 1] === '\n';
}

/** A memory in a list: its beginning, and no more of the rest than fits beside many others. */
export function listedData(memory: Memory): Data {
  return leanData(memoryData(memory, beginning(memory.text)));
}

const LEAN_TOKENS = 700;
const LEAN_TAGS = 8;
const LEAN_LENGTH = 40;

/** Data of one of many memories. Where its tags, source and metadata are long, they are cut, and it says so. */
export function leanData(data: Data): Data {
  if (tokensOf(JSON.stringify(data)) <= LEAN_TOKENS) return data;
  const { metadata, tags, source, ...rest } = data;
  const short = (name: unknown): string => String(name).slice(0, LEAN_LENGTH).toWellFormed();
  return {
    ...rest,
    ...(Array.isArray(tags) ? { tags: tags.slice(0, LEAN_TAGS).map(short) } : {}),
    ...(source === undefined ? {} : { source: short(source) }),
    ...(metadata === undefined ? {} : { metadata_left_out: true }),
    shortened: true,
  };
}
