import { isObject } from '../../util/json.ts';
import type { JsonObject } from '../head.ts';
import { LEFT_OUT } from '../transcripts/junk.ts';
import { type ImportFormat, type ImportItem, onlyText, type ReadOptions } from './import-format.ts';
import { readTranscriptLines, type RecordLine, shownName, textIn, turnOf } from './transcript-lines.ts';
import type { TurnTimes } from '../transcripts/conversation.ts';

const NAME = 'claude-code';

/**
 * A transcript of Claude Code: `~/.claude/projects/<folder>/<session>.jsonl`. Each line is a record with its type; those
 * of the types `user` and `assistant` are messages, whose content is a text or a list of blocks.
 */
export const claudeCode: ImportFormat = {
  name: NAME,
  title: 'a transcript of Claude Code',
  recognizes: ({ kind, text }) => kind === 'text' && text.split('\n', 20).some(isRecord),
  joinsSameText: false,
  grows: true,
  read: (source, options) => {
    const { bytes, name } = onlyText(source, NAME);
    return readClaudeCode({ bytes, session: name.replace(/\.jsonl$/, '') }, options);
  },
};

function isRecord(line: string): boolean {
  return (
    /^\{.*"sessionId":"/.test(line) &&
    /"(?:type|parentUuid|leafUuid)":/.test(line) &&
    !/"projectHash":/.test(line)
  );
}

interface Transcript {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** For records without a session of their own. */
  readonly session: string;
}

function readClaudeCode({ bytes, session }: Transcript, options: ReadOptions): AsyncIterable<ImportItem> {
  const convert = (line: RecordLine, times: TurnTimes): Iterable<ImportItem> =>
    convertRecord(line, { times, session });
  return readTranscriptLines({ bytes, convert }, options);
}

/** Records that clients of 2025 and 2026 write beside messages. */
const OTHER_RECORDS = new Set(
  (
    'system attachment summary progress mode last-prompt queue-operation file-history-snapshot file-history-delta ' +
    'attribution-snapshot content-replacement custom-title ai-title agent-name agent-color agent-setting tag pr-link ' +
    'permission-mode worktree-state relocated bridge-session speculation-accept marble-origami-commit ' +
    'marble-origami-snapshot task-summary saved_hook_context'
  ).split(' '),
);

function* convertRecord(
  { record, position, at }: RecordLine,
  { times, session }: { readonly times: TurnTimes; readonly session: string },
): Generator<ImportItem> {
  const { type } = record;
  if (type !== 'user' && type !== 'assistant') {
    if (typeof type === 'string' && OTHER_RECORDS.has(type)) {
      yield { kind: 'omitted', reason: LEFT_OUT.record };
    } else {
      yield { kind: 'noted', note: `an unknown record: ${shownName(type)}` };
    }
    return;
  }
  const reason = reasonOf(record);
  if (reason !== undefined) {
    yield { kind: 'omitted', reason };
    return;
  }
  const { texts, left } = readBlocks(isObject(record['message']) ? record['message']['content'] : undefined);
  for (const other of left) yield { kind: 'omitted', reason: other };
  // A record of tools only is counted by them, and is no empty turn.
  if (texts.length === 0 && left.length > 0) return;
  const conversation = {
    client: NAME,
    session: textIn(record['sessionId']) ?? session,
    folder: textIn(record['cwd']),
  };
  const text = texts.join('\n\n');
  yield* turnOf({ conversation, position, role: type, text, time: record['timestamp'], at }, times);
}

/** Why a message as a whole is junk. */
function reasonOf(record: JsonObject): string | undefined {
  if (record['isSidechain'] === true) return LEFT_OUT.subagent;
  if (record['isCompactSummary'] === true) return LEFT_OUT.summary;
  if (record['isMeta'] === true || record['isVisibleInTranscriptOnly'] === true) return LEFT_OUT.notice;
  const isSynthetic = isObject(record['message']) && record['message']['model'] === '<synthetic>';
  return record['isApiErrorMessage'] === true || isSynthetic ? LEFT_OUT.notice : undefined;
}

/** Reasons by the type of a block; other types are tools of the server, which have it in their names. */
const BLOCKS: Readonly<Record<string, string>> = {
  tool_use: LEFT_OUT.toolCall,
  tool_result: LEFT_OUT.toolOutput,
  thinking: LEFT_OUT.thinking,
  redacted_thinking: LEFT_OUT.thinking,
  image: LEFT_OUT.attachment,
  document: LEFT_OUT.file,
};

/** The texts of a content that is a text or a list of blocks, as the Messages API has it. */
export function readBlocks(content: unknown): {
  readonly texts: readonly string[];
  readonly left: readonly string[];
} {
  if (typeof content === 'string') return { texts: [content], left: [] };
  const texts: string[] = [];
  const left: string[] = [];
  for (const block of Array.isArray(content) ? (content as unknown[]) : []) {
    if (!isObject(block)) continue;
    const { type, text } = block;
    if (type === 'text' && typeof text === 'string') texts.push(text);
    else left.push(reasonOfBlock(String(type)));
  }
  return { texts, left };
}

function reasonOfBlock(type: string): string {
  return (
    BLOCKS[type] ??
    (/result$/.test(type) ? LEFT_OUT.toolOutput : /tool/.test(type) ? LEFT_OUT.toolCall : LEFT_OUT.record)
  );
}
