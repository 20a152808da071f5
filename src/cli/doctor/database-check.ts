import { existsSync } from 'node:fs';
import { describeBacklog, statsWithProgress } from '../embed-before-exit.ts';
import type { Check, DoctorSubject, Finding } from './check.ts';

/** Does everything in the database agree with the versions that are stored, the vector index included? */
export const databaseCheck: Check = {
  name: 'database',
  run: async (subject) => {
    if (!existsSync(subject.settings.dataDir)) return [];
    const { store, embedder } = await subject.app();
    const stamp = await embedder.stamp().catch(() => undefined);
    const { ok, problems, checked } = await store.checkIntegrity(stamp);
    const finding: Finding = ok
      ? { check: 'database', status: 'ok', message: `intact: ${checked.join(', ')}` }
      : {
          check: 'database',
          status: 'fail',
          message: problems.join('; '),
          fix: 'Export what can be read with "faiss-memory export", then restore a backup or import the export into a new folder.',
        };
    return [finding, ...(await checkVectors(subject))];
  },
};

async function checkVectors({ app, settings }: DoctorSubject): Promise<Finding[]> {
  if (settings.embedding.provider === 'none') return [];
  const { store, embedder, memory } = await app();
  const stamp = await embedder.stamp().catch(() => undefined);
  // The check of the model tells why.
  if (stamp === undefined) return [];
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
