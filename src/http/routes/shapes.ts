import * as z from 'zod/mini';
import { metadata, tags, text, texts } from '../../api/fields.ts';

/** Schemas that several routes answer with. An empty member is absent. */

export const time = z.string().check(z.meta({ format: 'date-time' }));

export const memory = z.looseObject({
  id: z.string(),
  text: z.string(),
  tags,
  source: text(),
  metadata,
  created: time,
  updated: z.optional(time),
  state: z.optional(z.enum(['live', 'deleted', 'stripped', 'purged'])),
  conflict: z.optional(z.boolean()),
  erased_by: z
    .optional(z.string())
    .check(z.describe('the machine that erased it, where its content is still kept here')),
  hidden: z.optional(time).check(z.describe('when that arrived')),
  superseded_by: text('id of the memory that says that it replaces this one'),
});

/** Members of a hit that is a turn of a conversation. */
export const turn = {
  kind: z.optional(z.literal('conversation')),
  role: z.optional(z.enum(['user', 'assistant', 'system'])),
  client: text(),
  session: text(),
  position: z.optional(z.int()),
};

export const conversation = z.looseObject({
  client: text(),
  session: z.string(),
  turns: z.int(),
  first: time,
  last: time,
  project: text(),
  beginning: text('of the first turn of the user'),
});

export const stale = text('How old the answer may be while the shared database is down');

export const memoryWithVersions = z.extend(memory, {
  versions: z.optional(
    z.array(
      z.looseObject({
        role: z.enum(['sibling', 'replaced']),
        text: z.string(),
        tags,
        source: text(),
        metadata,
        updated: time,
      }),
    ),
  ),
});

export const similarMemory = z.object({
  id: z.string(),
  similarity: z
    .optional(z.number())
    .check(
      z.describe(
        'absent where the model does not read the language, knows only parts of the texts, or was not calibrated',
      ),
    ),
  differs: z
    .optional(z.enum(['numbers', 'negation', 'symbols', 'words', 'order', 'form']))
    .check(z.describe('why it is not the same statement; absent when it is')),
  text: z.string(),
});
export const similar = z.array(similarMemory);

export const snapshot = z.looseObject({
  name: z.string(),
  created: time,
  memories: z.int(),
  bytes: z.int(),
  machine: z.string(),
  kind: z.string(),
});

export const restored = z.looseObject({
  mode: z.enum(['replace', 'merge']),
  applied: z.boolean(),
  snapshots: texts,
  added: z.int(),
  changed: z.int(),
  removed: z.int(),
  confirm: text(),
  undo: text(),
});
