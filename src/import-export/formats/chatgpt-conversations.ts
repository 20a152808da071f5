import { isObject } from '../../util/json.ts';
import type { Entry } from '../entries.ts';
import type { JsonObject } from '../head.ts';
import { readTime, TurnTimes } from '../transcripts/conversation.ts';
import { LEFT_OUT } from '../transcripts/junk.ts';
import type { ImportItem } from './import-format.ts';
import { textIn, turnOf } from './transcript-lines.ts';

const CLIENT = 'chatgpt';

/** True for an entry of `conversations.json`: a tree of messages by their ids. */
export function isChatGptConversation(value: JsonObject | undefined): boolean {
  return isObject(value?.['mapping']);
}

/**
 * The turns of one conversation: the path from its beginning to the node that was shown last. An edited or a repeated
 * message begins a branch, and the other branches are left out.
 */
export function* turnsOfChatGpt({ at, value }: Entry): Generator<ImportItem> {
  const mapping = isObject(value['mapping']) ? value['mapping'] : {};
  const path = pathOf(mapping, value['current_node']);
  const session = textIn(value['conversation_id']) ?? textIn(value['id']) ?? '';
  if (session === '') {
    yield { kind: 'rejected', at, problem: 'conversation has no id' };
    return;
  }
  const conversation = { client: CLIENT, session };
  const begun = readTime(value['create_time']) ?? Date.now();
  const times = new TurnTimes(begun);
  for (const [position, node] of path.entries()) {
    if (!isObject(node['message'])) continue;
    const { role, text, left } = readMessage(node['message']);
    for (const reason of left) yield { kind: 'omitted', reason };
    if (role === undefined || (text === '' && left.length > 0)) continue;
    const time = node['message']['create_time'] ?? begun;
    yield* turnOf({ conversation, position, role, text, time, at }, times);
  }
  const onPath = new Set(path);
  for (const node of Object.values(mapping)) {
    if (isObject(node) && !onPath.has(node) && isObject(node['message']))
      yield { kind: 'omitted', reason: LEFT_OUT.branch };
  }
}

/** From the beginning to the current node; without one, to the last node that nothing follows. */
function pathOf(mapping: JsonObject, current: unknown): JsonObject[] {
  const nodes = Object.values(mapping).filter((node) => isObject(node));
  const named = typeof current === 'string' && Object.hasOwn(mapping, current) ? mapping[current] : undefined;
  let node: unknown = isObject(named)
    ? named
    : nodes.findLast(({ children }) => !Array.isArray(children) || children.length === 0);
  const path: JsonObject[] = [];
  const seen = new Set<unknown>();
  while (isObject(node) && !seen.has(node)) {
    seen.add(node);
    path.push(node);
    const { parent } = node;
    node = typeof parent === 'string' && Object.hasOwn(mapping, parent) ? mapping[parent] : undefined;
  }
  return path.reverse();
}

interface ReadMessage {
  /** Undefined for a message of neither. */
  readonly role: 'user' | 'assistant' | undefined;
  readonly text: string;
  readonly left: readonly string[];
}

function readMessage(message: JsonObject): ReadMessage {
  const author = isObject(message['author']) ? message['author']['role'] : undefined;
  const content = isObject(message['content']) ? message['content'] : {};
  const type = String(content['content_type']);
  const whole = reasonOf(message, String(author), type);
  if (whole !== undefined) return { role: undefined, text: '', left: [whole] };
  const texts: string[] = [];
  const left: string[] = [];
  const parts: readonly unknown[] = Array.isArray(content['parts']) ? content['parts'] : [content['text']];
  for (const part of parts) {
    if (typeof part === 'string') texts.push(part);
    // Words that were spoken have their transcription as a part.
    else if (isObject(part) && typeof part['text'] === 'string') texts.push(part['text']);
    else if (isObject(part)) left.push(LEFT_OUT.attachment);
  }
  const text = withoutReferences(texts.join('\n').trim());
  return { role: author === 'user' ? 'user' : 'assistant', text, left };
}

/** Why a message as a whole is junk. */
function reasonOf({ metadata, recipient }: JsonObject, author: string, type: string): string | undefined {
  if (author === 'tool' || type === 'execution_output' || type.startsWith('tether_'))
    return LEFT_OUT.toolOutput;
  if (author !== 'user' && author !== 'assistant') return LEFT_OUT.system;
  if (type === 'thoughts' || type === 'reasoning_recap') return LEFT_OUT.thinking;
  if (type.endsWith('_editable_context')) return LEFT_OUT.context;
  if (type === 'system_error') return LEFT_OUT.notice;
  if (isObject(metadata) && metadata['is_visually_hidden_from_conversation'] === true)
    return LEFT_OUT.context;
  const isCall = author === 'assistant' && typeof recipient === 'string' && recipient !== 'all';
  return isCall || type === 'code' ? LEFT_OUT.toolCall : undefined;
}

/** References to sources stand between characters of the private use area; nothing shows them. */
function withoutReferences(text: string): string {
  return text.replace(/\uE200[^\uE200\uE201]*\uE201/g, '');
}

/** A file of conversations in a data export of ChatGPT or Claude. */
export function isConversations(path: string): boolean {
  return /^(?:[^/]+\/)?conversations(?:[-_]?\d+)?\.json$/.test(path);
}
