import { isObject } from '../../util/json.ts';
import { JsonElements } from '../json-elements.ts';
import { type JsonObject, peekText } from '../head.ts';
import { decodeUtf8 } from '../../util/text.ts';
import { TurnTimes } from '../transcripts/conversation.ts';
import { LEFT_OUT } from '../transcripts/junk.ts';
import {
  type ImportFormat,
  type ImportItem,
  onlyText,
  type Place,
  type ReadOptions,
} from './import-format.ts';
import { readTranscriptLines, type RecordLine, shownName, textIn, turnOf } from './transcript-lines.ts';

const NAME = 'gemini-cli';

/**
 * A session of Gemini CLI: `~/.gemini/tmp/<project>/chats/session-….jsonl`, and `.json` before 2026. A line is a message,
 * again when its tools have run; `$set` changes the facts of the session, and `$rewindTo` takes messages back.
 */
export const geminiCli: ImportFormat = {
  name: NAME,
  title: 'a session of Gemini CLI',
  recognizes: ({ kind, text }) =>
    kind === 'text' && /^\s*\{/.test(text) && /"sessionId"\s*:/.test(text) && /"projectHash"\s*:/.test(text),
  joinsSameText: false,
  read: async function* (source, options) {
    const { bytes, name } = onlyText(source, NAME);
    const session = new GeminiSession(name.replace(/\.jsonl?$/, ''), options.cursor?.folder);
    const start = await peekText({ name, bytes });
    const isLines = start.head.line !== undefined && !('messages' in start.head.line);
    // Messages change later in the file, so it is read from its beginning each time.
    const whole = { ...options, cursor: undefined };
    if (isLines) {
      yield* readTranscriptLines({ bytes: start.bytes, convert: (line) => session.line(line) }, whole);
    } else {
      yield* readDocument(start.bytes, session, whole);
    }
    yield* session.turns();
  },
};

interface GeminiMessage {
  readonly position: number;
  readonly role: 'user' | 'assistant';
  readonly text: string;
  readonly time: unknown;
  readonly at: Place;
  readonly left: readonly string[];
}

/** Messages of a session with more are noted and not read: they are held until the end. */
const MAX_MESSAGES = 100_000;
const MAX_CHARACTERS = 32 * 1024 * 1024;
const WORKSPACE = /Workspace Directories:\*\*\s*\n\s+- (.+)|working in the directory: (.+)/;

class GeminiSession {
  #session: string;
  #folder: string | undefined;
  #isSubagent = false;
  readonly #positions = new Map<string, number>();
  readonly #messages = new Map<string, GeminiMessage>();
  #characters = 0;

  constructor(session: string, folder: string | undefined) {
    this.#session = session;
    this.#folder = folder;
  }

  *line({ record, at }: RecordLine): Generator<ImportItem> {
    const set = record['$set'];
    const rewind = record['$rewindTo'];
    if (typeof rewind === 'string') yield* this.#rewind(rewind);
    else if (isObject(set)) yield* this.#set(set, at);
    else if (textIn(record['id']) !== undefined) yield* this.message(record, at);
    else if ('projectHash' in record) this.describe(record);
    else yield { kind: 'noted', note: 'an unknown record: another' };
  }

  describe({ sessionId, kind }: JsonObject): void {
    this.#session = textIn(sessionId) ?? this.#session;
    if (kind === 'subagent') this.#isSubagent = true;
  }

  *#set({ messages }: JsonObject, at: Place): Generator<ImportItem> {
    const isBeginning = this.#messages.size === 0;
    for (const message of Array.isArray(messages) ? (messages as unknown[]) : []) {
      if (!isObject(message)) continue;
      // Later lists are a history that was shortened: the messages were read before, and the others are summaries.
      if (isBeginning || this.#positions.has(String(message['id']))) yield* this.message(message, at);
      else yield { kind: 'omitted', reason: LEFT_OUT.summary };
    }
    yield { kind: 'omitted', reason: LEFT_OUT.record };
  }

  *#rewind(id: string): Generator<ImportItem> {
    const ids = [...this.#messages.keys()];
    for (const taken of ids.slice(Math.max(0, ids.indexOf(id)))) {
      this.#messages.delete(taken);
      yield { kind: 'omitted', reason: LEFT_OUT.branch };
    }
  }

  *message(record: JsonObject, at: Place): Generator<ImportItem> {
    const { type, content, timestamp } = record;
    const id = String(record['id']);
    const position = this.#positions.get(id) ?? this.#positions.size;
    this.#positions.set(id, position);
    if (type !== 'user' && type !== 'gemini') {
      yield ['info', 'warning', 'error'].includes(String(type))
        ? { kind: 'omitted', reason: LEFT_OUT.notice }
        : { kind: 'noted', note: `an unknown record: ${shownName(type)}` };
      return;
    }
    const { text, left } = partsOf(content);
    const workspace = WORKSPACE.exec(text);
    this.#folder ??= (workspace?.[1] ?? workspace?.[2])?.trim();
    const tools = Array.isArray(record['toolCalls']) ? record['toolCalls'].length : 0;
    const thoughts = Array.isArray(record['thoughts']) ? record['thoughts'].length : 0;
    const others = [
      ...left,
      ...Array<string>(Math.min(tools, 1_000)).fill(LEFT_OUT.toolCall),
      ...Array<string>(Math.min(thoughts, 1_000)).fill(LEFT_OUT.thinking),
    ];
    this.#characters += text.length;
    if (this.#messages.size >= MAX_MESSAGES || this.#characters > MAX_CHARACTERS) {
      yield { kind: 'noted', note: `a message behind the first ${MAX_MESSAGES} of a session` };
      return;
    }
    const role = type === 'user' ? 'user' : 'assistant';
    this.#messages.set(id, { position, role, text, time: timestamp, at, left: others });
  }

  *turns(): Generator<ImportItem> {
    const conversation = { client: NAME, session: this.#session, folder: this.#folder };
    const times = new TurnTimes(Date.now());
    for (const { left, ...message } of this.#messages.values()) {
      for (const reason of left) yield { kind: 'omitted', reason };
      if (this.#isSubagent) yield { kind: 'omitted', reason: LEFT_OUT.subagent };
      else if (message.text.trim() !== '' || left.length === 0)
        yield* turnOf({ conversation, ...message }, times);
    }
  }
}

/** A content is a text, a part, or a list of parts. */
function partsOf(content: unknown): { readonly text: string; readonly left: readonly string[] } {
  const texts: string[] = [];
  const left: string[] = [];
  for (const part of Array.isArray(content) ? (content as unknown[]) : [content]) {
    if (typeof part === 'string') texts.push(part);
    else if (!isObject(part)) continue;
    else if (part['thought'] === true) left.push(LEFT_OUT.thinking);
    else if (typeof part['text'] === 'string') texts.push(part['text']);
    else if ('functionResponse' in part) left.push(LEFT_OUT.toolOutput);
    else if ('functionCall' in part) left.push(LEFT_OUT.toolCall);
    else left.push(LEFT_OUT.attachment);
  }
  return { text: texts.join('\n\n'), left };
}

/** The older form: one object with the list `messages`. */
async function* readDocument(
  bytes: AsyncIterable<Uint8Array>,
  session: GeminiSession,
  { maxEntryBytes, position }: ReadOptions,
): AsyncGenerator<ImportItem> {
  const elements = new JsonElements(maxEntryBytes);
  for await (const chunk of bytes) {
    for (const { member, index, bytes: raw } of elements.push(chunk)) {
      const at = { place: `message ${index ?? 0}` };
      const value = parse(raw);
      if (index === undefined) session.describe({ [member]: value });
      else if (member !== 'messages') continue;
      else if (isObject(value)) yield* session.message({ id: `message ${index}`, ...value }, at);
      else
        yield {
          kind: 'rejected',
          at,
          problem:
            raw === undefined ? `message is longer than ${maxEntryBytes} bytes` : 'message is no JSON object',
        };
    }
    position.bytes += chunk.length;
  }
  if (elements.state === 'inside' || elements.state === 'broken') {
    yield { kind: 'noted', note: 'a file that is not complete yet; the next import takes the rest' };
  }
}

function parse(bytes: Uint8Array | undefined): unknown {
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
