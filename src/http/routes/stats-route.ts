import * as z from 'zod/mini';
import { statsData } from '../../api/answers.ts';
import { defineRoute } from '../define-route.ts';
import { time } from './shapes.ts';

const counts = z.record(z.string(), z.int());

export const statsRoute = defineRoute({
  name: 'stats',
  method: 'GET',
  path: '/stats',
  group: 'Memories',
  summary: 'How many memories there are, with the most frequent tags and sources',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({
    live: z.int(),
    trash: z.int(),
    conflicts: z.int(),
    bytes: z.int(),
    oldest: z.optional(time),
    newest: z.optional(time),
    time_zone: z.string().check(z.describe('whose days are counted, and meant by dates in filters')),
    tags: counts,
    sources: counts,
    embedding: z.looseObject({
      model: z.string(),
      ready: z.boolean(),
      pending: z.int().check(z.describe('memories that have no embedding yet')),
      done: z.int(),
      total: z.int(),
      seconds_left: z.optional(
        z.int().check(z.describe('until none is pending; absent while nothing is being embedded')),
      ),
    }),
  }),
  handle: async ({ memory }) => statsData(await memory.stats(), Infinity),
});
