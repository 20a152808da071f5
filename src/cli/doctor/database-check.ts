import { existsSync } from 'node:fs';
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
  const { store, embedder } = await app();
  const stamp = await embedder.stamp();
  const { live, embedded, otherModels } = await store.stats(stamp);
  const pending = live - embedded;
  const message = pending === 0 ? 'every memory has one' : `${pending} of ${live} memories have none yet`;
  const others = otherModels.map(({ modelId, memories }) => `${modelId} (${memories})`);
  return [
    pending === 0
      ? { check: 'vectors', status: 'ok', message }
      : { check: 'vectors', status: 'warn', message, fix: 'Run "faiss-memory reembed".' },
    ...(others.length === 0
      ? []
      : [
          {
            check: 'other models',
            status: 'ok' as const,
            message: `vectors of ${others.join(', ')} are kept and not used`,
          },
        ]),
  ];
}
