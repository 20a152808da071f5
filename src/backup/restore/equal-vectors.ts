import { MachineForkedError } from '../../errors/backup-errors.ts';
import { contentHash, toHex } from '../../memory/digest.ts';
import { compareVersionVectors, type JsonValue } from '../../memory/version.ts';
import type { ReplicaIdentity, ReplicaStore } from '../../store/replica-store.ts';
import { digestsDiffer } from '../format/digest-sums.ts';
import type { WorkOptions } from '../backup-api.ts';
import type { CarriedVersion, MemoryState } from '../ports.ts';
import type { RepositorySnapshot, SnapshotList } from '../repository/list-snapshots.ts';
import type { Repository } from '../repository/repository.ts';

interface Compared {
  readonly replica: ReplicaStore;
  readonly repository: Repository;
}

/**
 * Finds the newest snapshots of other machines that include the same writes as this store and still differ: two data
 * folders wrote under one machine id. Reads each manifest once, and keeps its digests in a note.
 */
export async function differingSnapshots(
  { replica, repository }: Compared,
  { snapshots }: SnapshotList,
  { signal, onProgress }: WorkOptions = {},
): Promise<RepositorySnapshot[]> {
  const identity = await replica.identity();
  const newest = [...new Map(snapshots.map((snapshot) => [snapshot.machine, snapshot])).values()];
  const equal = newest.filter((snapshot) => isEqualVector(snapshot, identity));
  const name = `digests:${repository.repositoryId}`;
  const noted = asRecord(await replica.readNote(name));
  const read: Record<string, JsonValue> = {};
  const differing: RepositorySnapshot[] = [];
  for (const [done, snapshot] of equal.entries()) {
    signal?.throwIfAborted();
    if (done > 0) onProgress?.({ step: 'comparing machines', done, total: equal.length });
    const found = await digestsOf(repository, snapshot, noted[snapshot.machine]);
    if (found === null) continue;
    read[snapshot.machine] = [snapshot.snapshotId, found.contentDigest, found.stateDigest];
    if (digestsDiffer({ ...found, clock: identity.clock }, identity)) differing.push(snapshot);
  }
  if (Object.keys(read).length > 0) await replica.writeNote(name, { ...noted, ...read });
  return differing;
}

function isEqualVector({ machine, clock }: RepositorySnapshot, identity: ReplicaIdentity): boolean {
  return machine !== identity.machine && compareVersionVectors(clock, identity.clock) === 'equal';
}

/** @returns null when the manifest cannot be read; a merge or a check of the snapshot reports that */
async function digestsOf(
  repository: Repository,
  snapshot: RepositorySnapshot,
  noted: JsonValue | undefined,
): Promise<{ contentDigest: string; stateDigest: string } | null> {
  const [snapshotId, contentDigest, stateDigest] = Array.isArray(noted) ? noted : [];
  if (
    snapshotId === snapshot.snapshotId &&
    typeof contentDigest === 'string' &&
    typeof stateDigest === 'string'
  )
    return { contentDigest, stateDigest };
  return repository.readManifest(snapshot).catch(() => null);
}

function asRecord(note: JsonValue | null): Record<string, JsonValue> {
  return note === null || typeof note !== 'object' || Array.isArray(note) ? {} : note;
}

/**
 * Compares the own writes of this store with those under the same names in a snapshot. All writes up to the last equal
 * one are shared; a copy of this data folder made the others.
 * @throws MachineForkedError when a name means another write there
 */
export async function assertSameOwnWrites(
  { replica, repository }: Compared,
  snapshot: RepositorySnapshot,
): Promise<void> {
  const { machine } = await replica.identity();
  const here = await ownWrites(replica, machine);
  const manifest = await repository.readManifest(snapshot);
  const same: number[] = [];
  let firstOther = Infinity;
  for await (const state of repository.readRows(manifest)) {
    for (const [n, print] of printsOf(state, machine)) {
      const own = here.get(n);
      if (own === print) same.push(n);
      else if (own !== undefined) firstOther = Math.min(firstOther, n);
    }
  }
  if (firstOther === Infinity) return;
  const shared = same.reduce((highest, n) => (n < firstOther ? Math.max(highest, n) : highest), 0);
  throw new MachineForkedError(machine, shared, repository.location);
}

async function ownWrites(replica: ReplicaStore, machine: string): Promise<Map<number, string>> {
  const view = await replica.openView();
  const writes = new Map<number, string>();
  try {
    for await (const state of view.changesSince(0)) {
      for (const [n, print] of printsOf(state, machine)) writes.set(n, print);
    }
  } finally {
    await view.close();
  }
  return writes;
}

/** The number and a fingerprint of each version of one machine. */
function printsOf({ id, siblings }: MemoryState, machine: string): [number, string][] {
  const own = siblings.filter(({ dot }) => dot.machine === machine);
  return own.map((version) => [version.dot.n, printOf(id, version)]);
}

/** Erasing takes the content and keeps the times, so that only these are compared once the content is gone. */
function printOf(id: string, version: CarriedVersion): string {
  const { state, createdAt, updatedAt } = version;
  const gone = state === 'deleted' || state === 'stripped';
  return gone ? `${id} ${createdAt} ${updatedAt}` : `${state} ${toHex(contentHash(id, version))}`;
}
