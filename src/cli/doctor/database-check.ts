import { existsSync } from 'node:fs';
import type { ModelStamp } from '../../embedding/embedder.ts';
import { settleWithin } from '../../util/concurrency.ts';
import { describeBacklog, statsWithProgress } from '../command.ts';
import type { Check, DoctorSubject, Finding } from './check.ts';

/** An endpoint that does not answer is the business of the check of the model. */
const STAMP_WAIT_MS = 5_000;

/** Does everything in the database agree with the versions that are stored, the vector index included? */
export const databaseCheck: Check = {
  name: 'database',
  needsFolder: true,
  waitsFor: {
    what: 'the database, which another process may keep locked',
    fix: 'Close the programs that use it, clients and database browsers, and run "faiss-memory doctor" again.',
  },
  run: async (subject) => {
    if (!existsSync(subject.settings.dataDir)) return [];
    const { store, embedder } = await subject.app();
    const stamp = await settleWithin(
      embedder.stamp().catch(() => undefined),
      STAMP_WAIT_MS,
    );
    const { ok, problems, checked } = await store.checkIntegrity(stamp);
    const finding: Finding = ok
      ? { check: 'database', status: 'ok', message: `intact: ${checked.join(', ')}` }
      : {
          check: 'database',
          status: 'fail',
          message: problems.join('; '),
          fix: 'Export what can be read with "faiss-memory export", then restore a backup or import the export into a new folder.',
        };
    return stamp === undefined ? [finding] : [finding, ...(await checkVectors(subject, stamp))];
  },
};

async function checkVectors({ app, settings }: DoctorSubject, stamp: ModelStamp): Promise<Finding[]> {
  if (settings.embedding.provider === 'none') return [];
  const { store, memory } = await app();
  const { otherModels } = await store.stats(stamp);
  const stats = await statsWithProgress(memory);
  const { pending } = stats.embedding;
  const message = describeBacklog(stats);
  const others = otherModels.map(({ modelId, memories }) => `${modelId} (${memories})`);
  return [
    pending === 0
      ? { check: 'embeddings', status: 'ok', message }
      : {
          check: 'embeddings',
          status: 'warn',
          message,
          fix: 'Wait for the running server, or run "faiss-memory reembed".',
        },
    ...(others.length === 0
      ? []
      : [
          {
            check: 'other models',
            status: 'ok' as const,
            message: `embeddings of ${others.join(', ')} are kept and not used; "faiss-memory reembed --drop-others" removes them`,
          },
        ]),
  ];
}
