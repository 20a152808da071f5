import { JsonElements } from './json-elements.ts';
import { isObject } from '../util/json.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** The beginning of a source, by which its format is recognized. */
export interface Head {
  readonly kind: 'text' | 'archive';
  /** Name of the file, folder or zip; empty for a stream. */
  readonly name: string;
  /** Paths inside a folder or zip. */
  readonly paths: readonly string[];
  /** Beginning of a text; empty for an archive. */
  readonly text: string;
  /** The first line that is a JSON object, where a line is one. */
  readonly line: JsonObject | undefined;
  /** The lists and other members at the beginning of a JSON document; empty for other texts. */
  readonly members: ReadonlySet<string>;
  /** The first object in the list of this name; the empty name is a list that is the document itself. */
  readonly first: (member: string) => JsonObject | undefined;
}

/** So much of a source is looked at. */
const HEAD_BYTES = 256 * 1024;

export interface PeekedText {
  readonly head: Head;
  /** All of the text, with its beginning. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Ends the source, such as an open file, when nothing reads the bytes to their end. */
  readonly end: () => Promise<void>;
}

/** Looks at the beginning of a text. */
export async function peekText(source: {
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}): Promise<PeekedText> {
  const iterator = source.bytes[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let length = 0;
  let lastLine = '';
  let hasObject = false;
  // The rest of a stream of lines may come much later, and its lines are imported when they come.
  while (length < HEAD_BYTES && !hasObject) {
    const next = await iterator.next();
    if (next.done === true) break;
    chunks.push(next.value);
    length += next.value.length;
    const lines = (lastLine + Buffer.from(next.value).toString('utf8')).split('\n');
    lastLine = lines.pop() ?? '';
    hasObject = lines.some((line) => parseObject(line) !== undefined);
  }
  const bytes = (async function* (): AsyncGenerator<Uint8Array> {
    yield* chunks;
    yield* { [Symbol.asyncIterator]: () => iterator };
  })();
  const end = async (): Promise<void> => {
    await iterator.return?.();
  };
  return { head: headOfText(source.name, Buffer.concat(chunks).subarray(0, HEAD_BYTES)), bytes, end };
}

export function headOfArchive(name: string, paths: readonly string[]): Head {
  return {
    kind: 'archive',
    name,
    paths,
    text: '',
    line: undefined,
    members: new Set(),
    first: () => undefined,
  };
}

export function headOfText(name: string, bytes: Uint8Array): Head {
  const text = new TextDecoder().decode(bytes);
  const elements = new JsonElements(HEAD_BYTES);
  const found = elements.push(bytes);
  const firsts = new Map<string, JsonObject>();
  const members = new Set<string>();
  for (const { member, index, bytes: element } of found) {
    members.add(member);
    if (index === undefined || element === undefined || firsts.has(member)) continue;
    const object = parseObject(Buffer.from(element).toString('utf8'));
    if (object !== undefined) firsts.set(member, object);
  }
  const line = firstObject(text);
  return { kind: 'text', name, paths: [], text, line, members, first: (member) => firsts.get(member) };
}

function firstObject(text: string): JsonObject | undefined {
  for (const line of text.split('\n', 100)) {
    const object = parseObject(line);
    if (object !== undefined) return object;
  }
  return undefined;
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
