import { RepositoryDamagedError } from '../../errors/backup-errors.ts';
import type { VersionVector, JsonValue } from '../../memory/version.ts';
import type { ReplicaStore, StagedStates } from '../../store/replica-store.ts';
import type { WorkOptions } from '../backup-api.ts';
import { assertCovered, refusal } from '../claims.ts';
import { DigestSums, digestProblems } from '../format/digest-sums.ts';
import { LOCAL_REPOSITORY_ID, type Renaming, renamingOf } from '../own-identity.ts';
import type { RepositorySnapshot } from '../repository/list-snapshots.ts';
import type { Manifest } from '../format/manifest.ts';
import { assertMergeable, assertMergeableSegments, LargeMemories, MAX_ANY_TEXT } from '../merge-limits.ts';
import type { MemoryState } from '../ports.ts';
import { manifestKey } from '../format/names.ts';
import type { Repository } from '../repository/repository.ts';

/** A snapshot that was read, checked, and stored beside the memories. */
export interface StagedSnapshot {
  readonly snapshot: RepositorySnapshot;
  /** The manifest. Its version vector has the same renamed writes as `states`. */
  readonly manifest: Manifest;
  readonly states: StagedStates;
  /** False when only the segments that were not merged before were read. */
  readonly complete: boolean;
  /** The memories that are larger than this machine accepts. Empty for the own backups. */
  readonly large: LargeMemories;
  /** Note that this snapshot was merged. The merge writes it in the same transaction. */
  readonly note: { readonly name: string; readonly value: JsonValue };
}

export interface StageRequest extends WorkOptions {
  readonly replica: ReplicaStore;
  readonly repository: Repository;
  readonly snapshot: RepositorySnapshot;
  /** True skips segments that were merged before: the store includes them already. */
  readonly onlyNew: boolean;
  /** `Witnesses.published`. Absent for a repository that only this data folder writes. */
  readonly published?: VersionVector | undefined;
  /** Characters of a text that this machine accepts. Larger memories are reported. */
  readonly textLimit?: number | undefined;
}

/** Number of rows between two checks of the signal. */
const ROWS_PER_STEP = 500;

/**
 * Name of the note that lists a machine's segments that were merged from a repository. The name contains the own
 * machine id, so a new identity starts without notes: its version vector is smaller, and it may need the segments again.
 */
export function mergedNoteName({ repositoryId, machine: own }: Repository, machine: string): string {
  return `merged:${repositoryId}:${own}:${machine}`;
}

/**
 * Reads a snapshot and checks all of its objects, and its digests when all segments were read. Changes no memory.
 * @throws RepositoryDamagedError, ObjectMissingError and the errors of reading the repository
 */
export async function stageSnapshot(request: StageRequest): Promise<StagedSnapshot> {
  const { replica, repository, snapshot, onlyNew } = request;
  const stored = await repository.readManifest(snapshot);
  const renaming = await renamingOf(replica, repository, snapshot.machine);
  const manifest = renaming === null ? stored : { ...stored, clock: renaming.clock(stored.clock) };
  const { machine, clock } = await replica.identity();
  const refused = refusal(manifest, { machine, clock, published: request.published ?? {} });
  if (refused !== null) throw refused;
  const key = manifestKey(snapshot.machine, snapshot.snapshotId);
  const name = mergedNoteName(repository, snapshot.machine);
  const merged = onlyNew ? segmentsIn(await replica.readNote(name)) : new Set<string>();
  const segments = manifest.segments.filter((segment) => !merged.has(segment.name));
  const complete = segments.length === manifest.segments.length;
  const large = new LargeMemories(request.textLimit ?? MAX_ANY_TEXT);
  const foreign = repository.repositoryId !== LOCAL_REPOSITORY_ID && snapshot.machine !== machine;
  if (foreign) assertMergeableSegments(key, { segments });
  const rows = repository.readRows({ ...manifest, segments });
  const sound = checked(rows, { ...request, manifest: stored, complete, ...(foreign ? { large } : {}) });
  const states = await replica.stage(renaming === null ? sound : renamed(sound, renaming));
  const value = {
    snapshotId: snapshot.snapshotId,
    segments: manifest.segments.map((segment) => segment.name),
  };
  return { snapshot, manifest, states, complete, large, note: { name, value } };
}

async function* checked(
  rows: AsyncIterable<MemoryState>,
  {
    manifest,
    complete,
    large,
    signal,
    onProgress,
  }: WorkOptions & {
    readonly manifest: Manifest;
    readonly complete: boolean;
    /** Counts large memories. Absent when this machine wrote the rows. */
    readonly large?: LargeMemories;
  },
): AsyncGenerator<MemoryState> {
  const sums = new DigestSums();
  const key = manifestKey(manifest.machine, manifest.snapshotId);
  const total = complete ? { total: manifest.facts.memories } : {};
  for await (const row of rows) {
    sums.add(row);
    assertCovered(
      key,
      manifest.clock,
      row.siblings.map(({ dot }) => dot),
    );
    if (large !== undefined) {
      assertMergeable(key, row);
      large.note(row);
    }
    if (sums.memories % ROWS_PER_STEP === 0) {
      signal?.throwIfAborted();
      onProgress?.({ step: 'reading memories', done: sums.memories, ...total });
    }
    yield row;
  }
  signal?.throwIfAborted();
  const [problem] = complete ? digestProblems(sums, manifest) : [];
  if (problem === undefined) return;
  throw new RepositoryDamagedError(key, problem);
}

async function* renamed(states: AsyncIterable<MemoryState>, renaming: Renaming): AsyncGenerator<MemoryState> {
  for await (const state of states) yield renaming.state(state);
}

function segmentsIn(note: JsonValue | null): Set<string> {
  if (note === null || typeof note !== 'object' || Array.isArray(note)) return new Set();
  const { segments } = note;
  return new Set(Array.isArray(segments) ? segments.filter((name) => typeof name === 'string') : []);
}
