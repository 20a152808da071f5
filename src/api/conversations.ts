import { ConversationNotFoundError, InvalidInputError } from '../errors/input-errors.ts';
import { attributesOf } from '../memory/attributes.ts';
import type { MemoryApi } from '../memory/memory-api.ts';
import type { Memory } from '../memory/memory.ts';
import type { ConversationPage, ConversationSummary } from '../store/memory-store.ts';
import { type Data, given, isoTime, memoryData } from './memory-answers.ts';

/** Names a conversation. The client may be left out where only one has a session of this name. */
export interface ConversationName {
  readonly session: string;
  readonly client?: string | undefined;
}

/** So many clients with one name of a session are named in an error. */
const NAMED = 10;

/**
 * The conversation of this name.
 * @throws ConversationNotFoundError
 * @throws InvalidInputError when several clients have a session of this name
 */
export async function findConversation(
  memory: Pick<MemoryApi, 'conversations'>,
  { session, client }: ConversationName,
): Promise<ConversationSummary> {
  // An empty filter would list all conversations.
  if (session === '') throw new ConversationNotFoundError(session);
  const { conversations } = await memory.conversations({ filter: { session, client }, limit: NAMED });
  const [found, ...others] = conversations;
  if (found === undefined) throw new ConversationNotFoundError(session);
  if (others.length === 0) return found;
  const clients = conversations.map((each) => JSON.stringify(each.client)).join(', ');
  throw new InvalidInputError('client', 'is missing', `several have a session of this name: ${clients}`);
}

export function conversationData(conversation: ConversationSummary): Data {
  const { client, session, turns, first, last, project, beginning } = conversation;
  return {
    ...given('client', client),
    session,
    turns,
    first: isoTime(first),
    last: isoTime(last),
    ...given('project', project),
    ...given('beginning', beginning),
  };
}

export function conversationsData({ conversations, total, nextCursor }: ConversationPage): Data {
  return {
    conversations: conversations.map(conversationData),
    total,
    ...given('next_cursor', nextCursor ?? ''),
  };
}

/** A turn without the facts that all turns of its conversation have in common. */
export function turnData(memory: Memory): Data {
  const { conversation } = attributesOf(memory.metadata);
  const said = Object.entries(memoryData(memory)).filter(
    ([name]) => name !== 'metadata' && name !== 'source',
  );
  return { role: conversation?.role, position: conversation?.position, ...Object.fromEntries(said) };
}

/** The whole conversation, some turns at a time, in its order. */
export async function* turnsOf(
  memory: Pick<MemoryApi, 'list'>,
  { session, client }: ConversationSummary,
): AsyncGenerator<readonly Memory[]> {
  let cursor: string | undefined;
  do {
    const page = await memory.list({ filter: { session, client }, order: 'position', limit: BATCH, cursor });
    yield page.memories;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

const BATCH = 500;
