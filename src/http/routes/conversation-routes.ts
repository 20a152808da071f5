import * as z from 'zod/mini';
import { conversationData, conversationsData, findConversation, turnData } from '../../api/conversations.ts';
import { attributeFields, filled, filterFields, flag, limit, text, toFilter } from '../../api/fields.ts';
import { given } from '../../api/memory-answers.ts';
import { defineRoute, type Route } from '../route.ts';
import { conversation as conversationShape, time } from './shapes.ts';

const listConversations = defineRoute({
  name: 'listConversations',
  method: 'GET',
  path: '/conversations',
  group: 'Memories',
  summary: 'Conversations, those with the newest turn first',
  details: 'With a filter, those that have turns that match; counts and times are of these turns.',
  access: 'read',
  input: z.strictObject({
    limit: limit(1_000, 20),
    cursor: text('next_cursor of the page before'),
    ...filterFields,
    session: attributeFields.session,
    client: attributeFields.client,
  }),
  output: z.object({ conversations: z.array(conversationShape), total: z.int(), next_cursor: text() }),
  async handle({ memory }, { limit: most, cursor, ...filter }) {
    const request = { limit: most, cursor: filled(cursor), filter: toFilter(filter) };
    return conversationsData(await memory.conversations(request));
  },
});

const name = { id: z.string(), client: text('needed where several clients have a session of this name') };

const getConversation = defineRoute({
  name: 'getConversation',
  method: 'GET',
  path: '/conversations/{id}',
  group: 'Memories',
  summary: 'One conversation with its turns, page by page',
  details: 'id is the session.',
  access: 'read',
  input: z.strictObject({
    ...name,
    limit: limit(1_000, 200),
    cursor: text('next_cursor of the page before'),
  }),
  output: z.extend(conversationShape, {
    messages: z.array(
      z.looseObject({
        role: z.enum(['user', 'assistant', 'system']),
        position: z.int(),
        id: z.string(),
        text: z.string(),
        created: time,
      }),
    ),
    next_cursor: text(),
  }),
  problems: [404],
  async handle({ memory }, { id: session, client, limit: most = 200, cursor }) {
    const found = await findConversation(memory, { session, client: filled(client) });
    const filter = { session, client: found.client };
    const page = await memory.list({ filter, order: 'position', limit: most, cursor: filled(cursor) });
    return {
      ...conversationData(found),
      messages: page.memories.map(turnData),
      ...given('next_cursor', page.nextCursor ?? ''),
    };
  },
});

const deleteConversation = defineRoute({
  name: 'deleteConversation',
  method: 'DELETE',
  path: '/conversations/{id}',
  group: 'Memories',
  summary: 'Move all turns of a conversation to the trash',
  details: 'id is the session. Without the confirm token of a dry run it is a dry run.',
  access: 'write',
  input: z.strictObject({ ...name, dry_run: flag, confirm: text('token of the dry run') }),
  output: z.object({
    dry_run: z.boolean(),
    count: z.int(),
    conversation: conversationShape,
    confirm: text(),
  }),
  problems: [404, 409],
  async handle({ memory }, { id: session, client, dry_run: wished, confirm: token }) {
    const found = await findConversation(memory, { session, client: filled(client) });
    const confirm = filled(token);
    const dryRun = wished === true || confirm === undefined;
    const filter = { session, client: found.client };
    const result = await memory.delete({ filter, dryRun, confirm });
    return {
      dry_run: result.dryRun,
      count: result.count,
      conversation: conversationData(found),
      ...given('confirm', result.confirm ?? ''),
    };
  },
});

export const conversationRoutes: readonly Route[] = [listConversations, getConversation, deleteConversation];
