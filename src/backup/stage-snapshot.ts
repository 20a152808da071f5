import { RepositoryDamagedError } from '../errors/repository-damaged-error.ts';
import type { JsonValue } from '../memory/version.ts';
import type { ReplicaStore, StagedStates } from '../store/replica-store.ts';
import type { WorkOptions } from './backup-api.ts';
import { DigestSums, digestProblems } from './digest-sums.ts';
import { renamingOf, type Renaming } from './given-up-writes.ts';
import type { RepositorySnapshot } from './list-snapshots.ts';
import type { Manifest } from './manifest.ts';
import type { MemoryState } from './memory-state.ts';
import { manifestKey } from './repository-keys.ts';
import type { Repository } from './repository.ts';

/** A snapshot that was read, checked, and collected beside the memories. */
export interface StagedSnapshot {
  readonly snapshot: RepositorySnapshot;
  /** Its clock names writes as the states do, see `renamingOf`. */
  readonly manifest: Manifest;
  readonly states: StagedStates;
  /** False when only what was not merged before was read. */
  readonly complete: boolean;
  /** Remembers that this snapshot was merged; goes into the same transaction. */
  readonly note: { readonly name: string; readonly value: JsonValue };
}

export interface StageRequest extends WorkOptions {
  readonly replica: ReplicaStore;
  readonly repository: Repository;
  readonly snapshot: RepositorySnapshot;
  /** Leave out segments that were merged before: what they say is included in the local memories. */
  readonly onlyNew: boolean;
}

/** Rows between two looks at the signal. */
const ROWS_PER_STEP = 500;

/**
 * Name of the note that tells which segments of a machine were merged from a repository. A new identity begins
 * without notes: its clock went back, so what the old one had merged may have to be read again.
 */
export function mergedNoteName({ place, machine: own }: Repository, machine: string): string {
  return `merged:${place}:${own}:${machine}`;
}

/**
 * Reads a snapshot and checks all of it: every object, and for a complete one its digests. Nothing is changed.
 * @throws RepositoryDamagedError, ObjectMissingError and what reading the repository throws
 */
export async function stageSnapshot(request: StageRequest): Promise<StagedSnapshot> {
  const { replica, repository, snapshot, onlyNew } = request;
  const stored = await repository.readManifest(snapshot);
  const renaming = await renamingOf(replica, repository, snapshot.machine);
  const manifest = renaming === null ? stored : { ...stored, clock: renaming.clock(stored.clock) };
  const name = mergedNoteName(repository, snapshot.machine);
  const merged = onlyNew ? segmentsIn(await replica.readNote(name)) : new Set<string>();
  const segments = manifest.segments.filter((segment) => !merged.has(segment.name));
  const complete = segments.length === manifest.segments.length;
  const rows = repository.readRows({ ...manifest, segments });
  const sound = checked(rows, { ...request, manifest: stored, complete });
  const states = await replica.stage(renaming === null ? sound : renamed(sound, renaming));
  const value = {
    snapshotId: snapshot.snapshotId,
    segments: manifest.segments.map((segment) => segment.name),
  };
  return { snapshot, manifest, states, complete, note: { name, value } };
}

async function* checked(
  rows: AsyncIterable<MemoryState>,
  { manifest, complete, signal, onProgress }: WorkOptions & { manifest: Manifest; complete: boolean },
): AsyncGenerator<MemoryState> {
  const sums = new DigestSums();
  const total = complete ? { total: manifest.facts.memories } : {};
  for await (const row of rows) {
    sums.add(row);
    if (sums.memories % ROWS_PER_STEP === 0) {
      signal?.throwIfAborted();
      onProgress?.({ step: 'reading memories', done: sums.memories, ...total });
    }
    yield row;
  }
  signal?.throwIfAborted();
  const [problem] = complete ? digestProblems(sums, manifest) : [];
  if (problem === undefined) return;
  throw new RepositoryDamagedError(manifestKey(manifest.machine, manifest.snapshotId), problem);
}

async function* renamed(states: AsyncIterable<MemoryState>, renaming: Renaming): AsyncGenerator<MemoryState> {
  for await (const state of states) yield renaming.state(state);
}

function segmentsIn(note: JsonValue | null): Set<string> {
  if (note === null || typeof note !== 'object' || Array.isArray(note)) return new Set();
  const { segments } = note;
  return new Set(Array.isArray(segments) ? segments.filter((name) => typeof name === 'string') : []);
}
