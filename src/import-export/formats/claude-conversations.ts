import { isObject } from '../../util/json.ts';
import type { Entry } from '../entries.ts';
import type { JsonObject } from '../head.ts';
import { readTime, TurnTimes } from '../transcripts/conversation.ts';
import { LEFT_OUT } from '../transcripts/junk.ts';
import { readBlocks } from './claude-code.ts';
import type { ImportItem } from './import-format.ts';
import { textIn, turnOf } from './transcript-lines.ts';

const CLIENT = 'claude';

/** True for an entry of `conversations.json`: an object with a list of messages. */
export function isClaudeConversation(value: JsonObject | undefined): boolean {
  return Array.isArray(value?.['chat_messages']);
}

/** The turns of one conversation, in the order of its list. */
export function* turnsOfClaude(
  { at, value }: Entry,
  projects: ReadonlyMap<string, string>,
): Generator<ImportItem> {
  const session = textIn(value['uuid']);
  if (session === undefined) {
    yield { kind: 'rejected', at, problem: 'conversation has no uuid' };
    return;
  }
  const conversation = { client: CLIENT, session, project: projectOf(value, projects) };
  const begun = readTime(value['created_at']) ?? Date.now();
  const times = new TurnTimes(begun);
  const messages: readonly unknown[] = Array.isArray(value['chat_messages']) ? value['chat_messages'] : [];
  for (const [position, message] of messages.entries()) {
    if (!isObject(message)) continue;
    const { sender } = message;
    const { text, left } = readMessage(message);
    for (const reason of left) yield { kind: 'omitted', reason };
    if (sender !== 'human' && sender !== 'assistant') yield { kind: 'omitted', reason: LEFT_OUT.system };
    else if (text !== '' || left.length === 0) {
      const role = sender === 'human' ? 'user' : 'assistant';
      const time = message['created_at'] ?? begun;
      yield* turnOf({ conversation, position, role, text, time, at }, times);
    }
  }
}

function projectOf(
  { project, project_uuid: uuid }: JsonObject,
  projects: ReadonlyMap<string, string>,
): string | undefined {
  if (isObject(project)) return textIn(project['name']) ?? projects.get(String(project['uuid']));
  return projects.get(String(uuid));
}

function readMessage(message: JsonObject): { readonly text: string; readonly left: readonly string[] } {
  const { texts, left } = readBlocks(message['content']);
  // Exports of 2023 have the text only; later ones have a text in which blocks are replaced by a remark.
  const text = texts.length > 0 ? texts.join('\n\n') : (textIn(message['text']) ?? '');
  const count = (list: unknown): number => (Array.isArray(list) ? Math.min(list.length, 1_000) : 0);
  return {
    text: texts.length === 0 && left.length > 0 ? '' : text.trim(),
    left: [
      ...left,
      ...Array<string>(count(message['attachments'])).fill(LEFT_OUT.file),
      ...Array<string>(count(message['files'])).fill(LEFT_OUT.attachment),
    ],
  };
}
