import { expect, test } from 'vitest';
import { countedBlobStore } from '../../../src/blob/decorators.ts';
import { InMemoryBlobStore } from '../../../src/blob/in-memory-blob-store.ts';
import { TrafficMeter } from '../../../src/sync/traffic.ts';
import { InMemoryReplica } from '../../helpers/in-memory-replica.ts';

const JANUARY = Date.UTC(2026, 0, 31, 23, 59);
const BYTES = new Uint8Array(100);

function meter(replica: InMemoryReplica, clock: { time: number }): TrafficMeter {
  return new TrafficMeter({ replica, repositoryId: 'remote:test', now: () => clock.time });
}

test('counts requests as providers do, and bytes of objects', async () => {
  const traffic = meter(new InMemoryReplica(), { time: JANUARY });
  const store = countedBlobStore(new InMemoryBlobStore(), traffic.count);
  const { etag } = await store.put('a', BYTES);
  await store.get('a');
  await store.getIfChanged('a', etag ?? '');
  await store.get('absent');
  await store.head('a');
  await store.list('');
  await store.delete('a');
  const counted = { writes: 2, reads: 4, bytesUp: 100, bytesDown: 100 };
  expect(await traffic.ofMonth()).toEqual({ ...counted, month: '2026-01' });
});

test('counts each page of a list', async () => {
  const traffic = meter(new InMemoryReplica(), { time: JANUARY });
  const inner = new InMemoryBlobStore();
  for (let number = 0; number < 1_001; number += 1) await inner.put(`k${number}`, BYTES);
  await countedBlobStore(inner, traffic.count).list('k');
  expect(await traffic.ofMonth()).toMatchObject({ writes: 2 });
});

test('adds up over processes, and starts again with a month', async () => {
  const replica = new InMemoryReplica();
  const clock = { time: JANUARY };
  const first = meter(replica, clock);
  first.count({ writes: 3, bytesUp: 7 });
  await first.store();
  first.count({ writes: 1 });
  await first.store();
  expect(await meter(replica, clock).ofMonth()).toMatchObject({ writes: 3 });
  await first.store(true);
  const second = meter(replica, clock);
  second.count({ reads: 2 });
  expect(await second.ofMonth()).toEqual({
    month: '2026-01',
    writes: 4,
    reads: 2,
    bytesUp: 7,
    bytesDown: 0,
  });
  clock.time += 60_000;
  expect(await meter(replica, clock).ofMonth()).toMatchObject({ month: '2026-02', writes: 0 });
});
