import type { BackupApi, RestoreResult, SnapshotSummary } from '../../src/backup/backup-api.ts';
import type { MemoryApi } from '../../src/memory/memory-api.ts';
import { TimeZone } from '../../src/util/time-zone.ts';
import type { ChangeList, ChangeReport } from '../../src/store/replica-store.ts';
import type { SyncApi, SyncStatus } from '../../src/sync/sync-api.ts';

export interface FakeServices {
  readonly memory: MemoryApi;
  readonly backup: BackupApi;
  readonly sync: SyncApi;
}

/** Services of which only the given methods are programmed; every other call fails loudly. */
export function fakeServices(programmed: {
  readonly memory?: Partial<MemoryApi>;
  readonly backup?: Partial<BackupApi>;
  readonly sync?: Partial<SyncApi>;
}): FakeServices {
  return {
    memory: failingLoudly<MemoryApi>('memory', { timeZone: UTC, ...programmed.memory }),
    backup: failingLoudly<BackupApi>('backup', programmed.backup ?? {}),
    sync: failingLoudly<SyncApi>('sync', programmed.sync ?? {}),
  };
}

function failingLoudly<Api extends object>(name: string, methods: Partial<Api>): Api {
  const fake = new Proxy(methods, {
    get: (target, method) => {
      if (Object.hasOwn(target, method)) return Reflect.get(target, method) as unknown;
      throw new Error(`${name}.${String(method)} is not programmed`);
    },
  });
  // Each method that is missing throws when it is touched.
  return fake as Api;
}

const UTC = new TimeZone('UTC');

export const NOON = Date.UTC(2026, 0, 31, 12);

export function snapshot(changes: Partial<SnapshotSummary> = {}): SnapshotSummary {
  return {
    name: 'manual_20260131_120000',
    id: '20260131T120000000Z-aaaaaaaa-0001',
    machine: 'aaaaaaaaaaaaaaaa',
    own: true,
    kind: 'manual',
    createdAt: NOON,
    live: 12,
    trash: 1,
    bytes: 2_048,
    pinned: false,
    encrypted: false,
    order: 'before',
    ...changes,
  };
}

export function changeList(...texts: readonly string[]): ChangeList {
  return { count: texts.length, examples: texts.map((text, index) => ({ id: `id-${index}`, text })) };
}

export function changes(more: Partial<ChangeReport> = {}): ChangeReport {
  const digests = { clock: {}, contentDigest: '00', stateDigest: '00' };
  return {
    applied: true,
    held: false,
    removedLately: 0,
    added: changeList(),
    changed: changeList(),
    removed: changeList(),
    conflicts: 0,
    reusedDots: 0,
    missingIds: 0,
    keptErased: 0,
    broughtBack: 0,
    before: digests,
    after: digests,
    ...more,
  };
}

/** A merge that waits for a confirmation. */
export function heldMerge(...removed: readonly string[]): RestoreResult {
  const report = changes({ applied: false, held: true, removed: changeList(...removed) });
  const waiting = { removed: removed.length, lately: 0 };
  return { mode: 'merge', snapshots: [snapshot()], changes: report, waiting, confirm: 'the-token' };
}

export function syncStatus(more: Partial<SyncStatus> = {}): SyncStatus {
  return {
    enabled: true,
    location: 's3 memories/faiss-memory/',
    mode: 'backup',
    encrypted: false,
    machine: 'aaaaaaaaaaaaaaaa',
    stateDigest: 'd1935',
    relation: 'in-sync',
    reachable: { value: true, at: NOON },
    lastPush: null,
    lastPull: null,
    unsentWrites: 0,
    traffic: null,
    machines: [],
    conflicts: 0,
    emptyStart: 'not-needed',
    heldMerge: null,
    problem: null,
    warnings: [],
    ...more,
  };
}
