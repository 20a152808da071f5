import { isObject } from '../../util/json.ts';
import type { JsonObject } from '../head.ts';
import type { TurnTimes } from '../transcripts/conversation.ts';
import { LEFT_OUT } from '../transcripts/junk.ts';
import { readBlocks } from './claude-code.ts';
import { type ImportFormat, type ImportItem, onlyText } from './import-format.ts';
import { readTranscriptLines, type RecordLine, shownName, turnOf } from './transcript-lines.ts';

const NAME = 'cursor';

/**
 * A transcript of an agent of Cursor: `~/.cursor/projects/<folder>/agent-transcripts/<session>.jsonl`. Each line is a
 * message with its role and blocks. It has neither times nor the session, which is the name of the file. Chats of
 * before 2026 are in a database that Cursor keeps open and changes with its versions, and are not read.
 */
export const cursor: ImportFormat = {
  name: NAME,
  title: 'a transcript of an agent of Cursor',
  recognizes: ({ kind, line }) => kind === 'text' && line !== undefined && isMessage(line),
  joinsSameText: false,
  grows: true,
  read: (source, options) => {
    const { bytes, name } = onlyText(source, NAME);
    const session = name.replace(/\.jsonl$/, '');
    const conversation = { client: NAME, session, folder: options.cursor?.folder };
    // The time of the file, where it is known, stands for those of its turns.
    const time = options.cursor?.time ?? Date.now();
    const convert = (line: RecordLine, times: TurnTimes): Iterable<ImportItem> =>
      convertMessage(line, { conversation, time, times });
    return readTranscriptLines({ bytes, convert }, options);
  },
};

function isMessage({ role, message, type, sessionId }: JsonObject): boolean {
  const isOther = type !== undefined || sessionId !== undefined;
  return (role === 'user' || role === 'assistant') && isObject(message) && 'content' in message && !isOther;
}

interface Surroundings {
  readonly conversation: { readonly client: string; readonly session: string };
  readonly time: number;
  readonly times: TurnTimes;
}

function* convertMessage(
  { record, position, at }: RecordLine,
  { conversation, time, times }: Surroundings,
): Generator<ImportItem> {
  const { role, message } = record;
  if (role === 'system' || role === 'tool') {
    yield { kind: 'omitted', reason: role === 'tool' ? LEFT_OUT.toolOutput : LEFT_OUT.system };
    return;
  }
  if (!(role === 'user' || role === 'assistant')) {
    yield { kind: 'noted', note: `an unknown record: ${shownName(record['type'] ?? role)}` };
    return;
  }
  const { texts, left } = readBlocks(isObject(message) ? message['content'] : undefined);
  for (const reason of left) yield { kind: 'omitted', reason };
  if (texts.length === 0 && left.length > 0) return;
  const whole = texts.join('\n\n');
  const queries = role === 'user' ? [...whole.matchAll(QUERY)].map(([, query = '']) => query.trim()) : [];
  if (queries.length > 0 && whole.replace(QUERY, '').trim() !== '')
    yield { kind: 'omitted', reason: LEFT_OUT.context };
  const text = queries.length > 0 ? queries.join('\n\n') : whole;
  yield* turnOf({ conversation, position, role, text, time, at }, times);
}

/** The words of the user, among open files, rules and other context. */
const QUERY = /<user_query>((?:(?!<user_query>)[\s\S])*?)<\/user_query>/g;
