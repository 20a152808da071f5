import { isObject } from '../../util/json.ts';
import type { JsonObject } from '../head.ts';
import type { Conversation, TurnTimes } from '../transcripts/conversation.ts';
import { LEFT_OUT } from '../transcripts/junk.ts';
import {
  type ImportFormat,
  type ImportItem,
  onlyText,
  type ReadOptions,
  type TranscriptCursor,
} from './import-format.ts';
import { readTranscriptLines, type RecordLine, shownName, textIn, turnOf } from './transcript-lines.ts';

const NAME = 'codex';

/**
 * A session of Codex: `~/.codex/sessions/2026/01/31/rollout-….jsonl`. The first line describes the session; the others
 * have a type and a payload, and those of the type `response_item` are messages and tool calls. Before the autumn of
 * 2025 the lines were the items themselves.
 */
export const codex: ImportFormat = {
  name: NAME,
  title: 'a session of Codex',
  recognizes: ({ kind, line }) => kind === 'text' && line !== undefined && isFirstLine(line),
  joinsSameText: false,
  grows: true,
  read: (source, options) => {
    const { bytes, name } = onlyText(source, NAME);
    return new CodexReader(name, options).read(bytes);
  },
};

function isFirstLine(line: JsonObject): boolean {
  if (line['type'] === 'session_meta') return isObject(line['payload']);
  return (
    textIn(line['id']) !== undefined && textIn(line['timestamp']) !== undefined && 'instructions' in line
  );
}

/** Lines without a message. */
const OTHER_LINES = new Set(
  'event_msg turn_context compacted world_state token_usage_record ghost_snapshot inter_agent_communication'.split(
    ' ',
  ),
);

/** Items that are no message: calls of tools and their outputs have it in their names. */
function reasonOfItem(type: string): string | undefined {
  if (type === 'reasoning') return LEFT_OUT.thinking;
  if (/_output$/.test(type)) return LEFT_OUT.toolOutput;
  if (/_call$/.test(type)) return LEFT_OUT.toolCall;
  return /^(compaction|compaction_summary|context_compaction|ghost_snapshot|other)/.test(type)
    ? LEFT_OUT.record
    : undefined;
}

class CodexReader {
  readonly #options: ReadOptions;
  /** The facts of the first line; a reading that goes on has them from the cursor. */
  readonly #known: Partial<TranscriptCursor>;

  constructor(name: string, options: ReadOptions) {
    this.#options = options;
    this.#known = options.cursor ?? {};
    // The name of the file ends with the id of the session.
    this.#known.session ??= /([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl$/.exec(name)?.[1] ?? name;
  }

  read(bytes: AsyncIterable<Uint8Array>): AsyncIterable<ImportItem> {
    return readTranscriptLines(
      { bytes, convert: (line, times) => this.#convert(line, times) },
      this.#options,
    );
  }

  *#convert(line: RecordLine, times: TurnTimes): Generator<ImportItem> {
    const { record } = line;
    const { type, payload, timestamp } = record;
    if (type === 'session_meta' && isObject(payload)) {
      this.#begin(payload);
    } else if (type === 'response_item' && isObject(payload)) {
      yield* this.#item(line, { item: payload, time: timestamp, times });
    } else if (typeof type === 'string' && OTHER_LINES.has(type)) {
      yield { kind: 'omitted', reason: LEFT_OUT.record };
    } else if (type === undefined && 'instructions' in record) {
      this.#begin(record);
    } else if (type === undefined && 'record_type' in record) {
      yield { kind: 'omitted', reason: LEFT_OUT.record };
    } else if (payload === undefined) {
      yield* this.#item(line, { item: record, time: timestamp ?? this.#known.time, times });
    } else {
      yield { kind: 'noted', note: `an unknown record: ${shownName(type)}` };
    }
  }

  /** A session that continues another one has the description of that one behind its own. */
  #begin(meta: JsonObject): void {
    if (this.#known.described === true) return;
    const { id, cwd, git, source, timestamp } = meta;
    Object.assign(this.#known, {
      described: true,
      session: textIn(id) ?? this.#known.session,
      ...(typeof cwd === 'string' ? { folder: cwd } : {}),
      ...(isObject(git) && typeof git['repository_url'] === 'string'
        ? { repository: git['repository_url'] }
        : {}),
      ...(isObject(source) && 'subagent' in source ? { subagent: true } : {}),
      ...(typeof timestamp === 'string' && !Number.isNaN(Date.parse(timestamp))
        ? { time: Date.parse(timestamp) }
        : {}),
    });
  }

  *#item(
    { position, at }: RecordLine,
    { item, time, times }: { readonly item: JsonObject; readonly time: unknown; readonly times: TurnTimes },
  ): Generator<ImportItem> {
    const { type, role, content } = item;
    if (type !== 'message') {
      const reason = reasonOfItem(String(type));
      yield reason === undefined
        ? { kind: 'noted', note: `an unknown record: ${shownName(type)}` }
        : { kind: 'omitted', reason };
      return;
    }
    if (this.#known.subagent === true) yield { kind: 'omitted', reason: LEFT_OUT.subagent };
    else if (role !== 'user' && role !== 'assistant') yield { kind: 'omitted', reason: LEFT_OUT.system };
    else {
      const { session = '', folder, repository } = this.#known;
      const conversation: Conversation = { client: NAME, session, folder, repository };
      const texts: string[] = [];
      for (const part of Array.isArray(content) ? (content as unknown[]) : []) {
        if (isObject(part) && typeof part['text'] === 'string') texts.push(part['text']);
        else yield { kind: 'omitted', reason: LEFT_OUT.attachment };
      }
      yield* turnOf({ conversation, position, role, text: texts.join('\n\n'), time, at }, times);
    }
  }
}
