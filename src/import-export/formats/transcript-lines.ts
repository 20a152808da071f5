import { InvalidInputError } from '../../errors/input-errors.ts';
import type { ConversationRole } from '../../memory/attributes.ts';
import { isObject } from '../../util/json.ts';
import { decodeUtf8 } from '../../util/text.ts';
import type { JsonObject } from '../head.ts';
import { type ByteLine, readByteLines } from '../read-byte-lines.ts';
import { type Conversation, TurnTimes } from '../transcripts/conversation.ts';
import { cleanText } from '../transcripts/junk.ts';
import type { ImportItem, Place, ReadOptions } from './import-format.ts';

/** A message as a reader found it. */
export interface Message {
  readonly conversation: Conversation;
  readonly position: number;
  readonly role: ConversationRole;
  readonly text: string;
  /** As the transcript has it. */
  readonly time: unknown;
  readonly at: Place;
}

/** The items of one message: a turn, the reasons for the parts that were left out, and notes. */
export function* turnOf(message: Message, times: TurnTimes): Generator<ImportItem> {
  const { conversation, position, role, at } = message;
  const { text, left } = cleanText(role, message.text);
  for (const reason of left) yield { kind: 'omitted', reason };
  if (text === '') return;
  const { time, note } = times.take(message.time);
  if (note !== undefined) yield { kind: 'noted', note };
  yield { kind: 'turn', at, conversation, turn: { position, role, text, createdAt: time } };
}

/** A record of a transcript, and the number of its line from 0, which is the position of its turn. */
export interface RecordLine {
  readonly record: JsonObject;
  readonly position: number;
  readonly at: Place;
}

export interface LineReading {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Name of the file inside an archive, for places. */
  readonly file?: string | undefined;
  /** Called with each record. */
  readonly convert: (line: RecordLine, times: TurnTimes) => Iterable<ImportItem>;
  /** Milliseconds since the epoch, for turns before the first time. */
  readonly start?: number;
}

/**
 * Reads a transcript whose lines are JSON records, from where the cursor of the options says. The client may be
 * writing: a last line without its end is noted, and read the next time.
 */
export async function* readTranscriptLines(
  reading: LineReading,
  options: ReadOptions,
): AsyncGenerator<ImportItem> {
  const { cursor } = options;
  const before = cursor?.lines ?? 0;
  const bytesBefore = options.position.bytes;
  const offsetBefore = cursor?.offset ?? 0;
  const times = new TurnTimes(cursor?.time ?? reading.start ?? Date.now());
  let longLine = 0;
  for await (const line of readByteLines(reading.bytes, options.maxEntryBytes)) {
    const number = before + line.number;
    options.position.lines = number;
    options.position.bytes = bytesBefore + line.endOffset;
    if (line.tooLong && longLine === line.number) continue;
    const at = placeOf(reading.file, number);
    if (line.tooLong) {
      longLine = line.number;
      yield { kind: 'rejected', at, problem: `line is longer than ${options.maxEntryBytes} bytes` };
    } else {
      yield* lineItems(line, { reading, at, position: number - 1, times });
    }
    if (cursor !== undefined && line.terminated && line.last) {
      Object.assign(cursor, { lines: number, offset: offsetBefore + line.endOffset, time: times.last });
    }
  }
}

function placeOf(file: string | undefined, line: number): Place {
  return file === undefined ? { line } : { place: `${file} line ${line}` };
}

const WHITE_SPACE = 0x20;

function* lineItems(
  line: ByteLine,
  {
    reading,
    at,
    position,
    times,
  }: {
    readonly reading: LineReading;
    readonly at: Place;
    readonly position: number;
    readonly times: TurnTimes;
  },
): Generator<ImportItem> {
  if (!line.bytes.some((byte) => byte > WHITE_SPACE)) return;
  const record = parseRecord(line.bytes);
  if (typeof record === 'object') {
    try {
      yield* reading.convert({ record, position, at }, times);
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      yield { kind: 'rejected', at, problem: error.message };
    }
  } else if (line.terminated) {
    yield { kind: 'rejected', at, problem: record };
  } else {
    yield { kind: 'noted', note: 'a last line that is not complete yet; the next import takes it' };
  }
}

/** @returns the record, or the problem of a line that is none */
function parseRecord(bytes: Uint8Array): JsonObject | string {
  const text = decodeUtf8(bytes);
  if (text === undefined) return 'line has bytes that are not UTF-8';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return error instanceof RangeError ? 'line is nested too deeply' : 'line is not JSON';
  }
  return isObject(value) ? value : 'line is no JSON object';
}

/** A text member; undefined when it is none. */
export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

/** A name of a record, as a note may show it. */
export function shownName(value: unknown): string {
  return typeof value === 'string' && /^[\w.$-]{1,40}$/.test(value) ? value : 'another';
}
