import { expect, test } from 'vitest';
import { Metrics } from '../../../src/http/metrics.ts';
import type { MemoryApi, Stats } from '../../../src/memory/memory-api.ts';
import type { SyncApi, SyncStatus } from '../../../src/sync/sync-api.ts';
import { fakeServices } from '../../helpers/fake-services.ts';

/** As far as the metrics look at it. */
const STATS = { live: 3, trash: 2, hidden: 0, conflicts: 1, embedding: { pending: 1 } } as Stats;

function metrics(stats: MemoryApi['stats'], status: SyncApi['status']): Metrics {
  return new Metrics(() => Promise.resolve(fakeServices({ memory: { stats }, sync: { status } })));
}

function withPush(lastPush: SyncStatus['lastPush']): SyncApi['status'] {
  return () => Promise.resolve({ lastPush } as SyncStatus);
}

const NAME = 'faiss_memory_last_push_timestamp_seconds';

test('have no time of the last push when there was none', async () => {
  const never = await metrics(() => Promise.resolve(STATS), withPush(null)).text();
  expect(never.body).toContain(`# TYPE ${NAME} gauge\n`);
  expect(never.body).not.toMatch(new RegExp(`^${NAME}`, 'm'));
  const once = metrics(() => Promise.resolve(STATS), withPush({ value: { snapshot: 'a' }, at: 1_500 }));
  expect((await once.text()).body).toContain(`\n${NAME} 1.5\n`);
  expect((await once.text()).body).toContain('\nfaiss_memory_memories{state="trash"} 2\n');
});

test('leave out what cannot be known, and tell the rest', async () => {
  let broken = false;
  const stats = (): Promise<Stats> =>
    broken ? Promise.reject(new Error('no disk')) : Promise.resolve(STATS);
  const kept = metrics(stats, () => Promise.reject(new Error('no disk')));
  expect((await kept.text()).body).toContain('memories{state="live"} 3');
  broken = true;
  const { body } = await kept.text();
  expect(body).not.toContain('memories{state=');
  expect(body).toContain('faiss_memory_process_cpu_seconds_total ');
});
