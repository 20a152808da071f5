import { createHash } from 'node:crypto';
import { ObjectMissingError } from '../../errors/backup-errors.ts';
import type { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { InvalidInputError, StateChangedError } from '../../errors/input-errors.ts';
import { type VersionVector, compareVersionVectors } from '../../memory/version.ts';
import type {
  ChangeList,
  ChangeReport,
  RemovalLimit,
  ReplicaIdentity,
  ReplicaStore,
} from '../../store/replica-store.ts';
import type { RestoreRequest, RestoreResult, SnapshotSummary, WorkOptions } from '../backup-api.ts';
import { publishedWrites, refusal } from '../claims.ts';
import { type RepositorySnapshot, summarizeSnapshot } from '../repository/list-snapshots.ts';
import type { Repository } from '../repository/repository.ts';
import { mergeTips } from './merge-snapshots.ts';
import { type StagedSnapshot, stageSnapshot } from './stage-snapshot.ts';

export interface SnapshotRestorerParts {
  readonly replica: ReplicaStore;
  /** Of the machine that the store is at the moment. */
  readonly repository: () => Promise<Repository>;
  /** Makes a local snapshot of the present state, which undoes what follows. */
  readonly backupBefore: (kind: 'pre_restore' | 'pre_merge') => Promise<SnapshotSummary>;
  /** Merges that remove more wait for a confirmation. */
  readonly limit: RemovalLimit;
  /** Characters of a text that may be added here; larger memories of others are reported. */
  readonly textLimit?: number | undefined;
}

/** Someone may prune while we read; then the heads say what there is instead. */
const MAX_PLANS = 3;

/** Merges that remove more than this wait for a confirmation. */
export const REMOVAL_LIMIT: RemovalLimit = { count: 20, share: 0.3 };

/**
 * Brings snapshots of one repository, local or remote, into the local store: as a whole (`replace`), or what is not
 * included yet (`merge`). Everything is read and checked before anything is changed.
 */
export class SnapshotRestorer {
  readonly #parts: SnapshotRestorerParts;

  constructor(parts: SnapshotRestorerParts) {
    this.#parts = parts;
  }

  /**
   * The caller holds the work lock, and answers MachineForkedError with a new identity.
   * @throws InvalidInputError, StateChangedError, SnapshotNotFoundError, SnapshotAmbiguousError and what reading the
   *   repository throws
   */
  async restore(request: RestoreRequest, options: WorkOptions = {}): Promise<RestoreResult> {
    for (let plan = 1; ; plan += 1) {
      try {
        const repository = await this.#parts.repository();
        return await (request.mode === 'replace'
          ? this.#replace(repository, request, options)
          : this.#merge(repository, request, options));
      } catch (error) {
        if (!(error instanceof ObjectMissingError) || plan === MAX_PLANS) throw error;
      }
    }
  }

  async #replace(
    repository: Repository,
    { snapshot: query, dryRun = false, confirm }: RestoreRequest,
    options: WorkOptions,
  ): Promise<RestoreResult> {
    if (query === undefined) throw new InvalidInputError('snapshot', 'is missing', 'name the one to restore');
    if (!dryRun && confirm === undefined) {
      throw new InvalidInputError('confirm', 'is missing', 'make a dry run first and pass its token');
    }
    const snapshot = await repository.findSnapshot(query);
    const staged = await this.#stage(repository, snapshot, { onlyNew: false, options });
    try {
      const identity = await this.#parts.replica.identity();
      const { stateDigest } = identity;
      const token = confirmToken({ mode: 'replace', snapshotIds: [snapshot.snapshotId], stateDigest });
      const result = { mode: 'replace', snapshots: [summarizeSnapshot(snapshot, identity)] } as const;
      const base = { clock: staged.manifest.clock, complete: true };
      if (dryRun) {
        return { ...result, changes: await staged.states.restore({ ...base, dryRun }), confirm: token };
      }
      if (confirm !== token) throw new StateChangedError();
      const undo = (await changesNothing(staged, identity))
        ? {}
        : { undo: await this.#parts.backupBefore('pre_restore') };
      const changes = await staged.states.restore({ ...base, expectedState: stateDigest, note: staged.note });
      return { ...result, changes, ...undo };
    } finally {
      await staged.states.close();
    }
  }

  async #merge(
    repository: Repository,
    request: RestoreRequest,
    options: WorkOptions,
  ): Promise<RestoreResult> {
    // A copy of the data folder must be noticed before its writes are mistaken for ours.
    await repository.checkOwnHead();
    const { replica, limit, textLimit } = this.#parts;
    const { wanted, refused, published } = await this.#wanted(repository, request.snapshot);
    const identity = await replica.identity();
    const summaries = wanted.map((snapshot) => summarizeSnapshot(snapshot, identity));
    const result = { mode: 'merge', snapshots: summaries } as const;
    const [firstRefusal] = refused;
    if (wanted.length === 0 && firstRefusal !== undefined) throw firstRefusal;
    if (wanted.length === 0) return { ...result, changes: null };
    const token = tokenFor(wanted, identity.stateDigest);
    const { dryRun = false, confirm } = request;
    if (confirm !== undefined && confirm !== token) throw new StateChangedError();
    const undo =
      dryRun || identity.memories === 0 ? {} : { undo: await this.#parts.backupBefore('pre_merge') };
    const limits = confirm === undefined && !dryRun ? { limit } : {};
    const merged = await mergeTips(wanted, {
      ...{ replica, repository, dryRun, published, textLimit, options },
      ...limits,
    });
    const { reports, left } = merged;
    const errors = [...refused, ...merged.errors];
    const [firstError] = errors;
    if (reports.length === 0 && firstError !== undefined) throw firstError;
    // What could not be read does not keep out the rest, but the user must know.
    const warnings = [...merged.warnings, ...errors.map(describeRefusal)];
    const isHeld = reports.some(({ held }) => held);
    return {
      ...result,
      changes: combineReports(reports),
      ...(reports.some(hasChanged) ? undo : {}),
      ...(warnings.length > 0 ? { warnings } : {}),
      ...(dryRun ? { confirm: token } : {}),
      ...(isHeld ? { confirm: tokenFor(left, (await replica.identity()).stateDigest) } : {}),
    };
  }

  /** The one that was asked for, or the newest of every other machine that is not included here yet, oldest first. */
  async #wanted(repository: Repository, query: string | undefined): Promise<WantedSnapshots> {
    const { machine, clock } = await this.#parts.replica.identity();
    if (query !== undefined)
      return { wanted: [await repository.findSnapshot(query)], refused: [], published: {} };
    const { snapshots, machines } = await repository.listSnapshots();
    const newest = new Map(snapshots.map((snapshot) => [snapshot.machine, snapshot.snapshotId]));
    newest.delete(machine);
    const tips = snapshots.filter((snapshot) => {
      if (newest.get(snapshot.machine) !== snapshot.snapshotId) return false;
      const order = compareVersionVectors(snapshot.clock, clock);
      return order === 'after' || order === 'concurrent';
    });
    const published = publishedWrites(machines);
    const refusals = tips.map((tip) => refusal(tip, { machine, clock, published }));
    return {
      wanted: tips.filter((_, index) => refusals[index] === null),
      refused: refusals.filter((error) => error !== null),
      published,
    };
  }

  #stage(
    repository: Repository,
    snapshot: RepositorySnapshot,
    { onlyNew, options }: { readonly onlyNew: boolean; readonly options: WorkOptions },
  ): Promise<StagedSnapshot> {
    const { replica } = this.#parts;
    return stageSnapshot({ replica, repository, snapshot, onlyNew, ...options });
  }
}

interface WantedSnapshots {
  readonly wanted: readonly RepositorySnapshot[];
  /** Why others are not merged: what they say of themselves is not to be believed. */
  readonly refused: readonly FaissMemoryError[];
  readonly published: VersionVector;
}

function describeRefusal({ message, fix }: FaissMemoryError): string {
  return `Not merged: ${message}.${fix === undefined ? '' : ` ${fix}`}`;
}

/** Restoring what users see already writes nothing, unless it settles conflicts: then only a dry run knows. */
async function changesNothing(
  { manifest, states }: StagedSnapshot,
  { contentDigest }: ReplicaIdentity,
): Promise<boolean> {
  if (contentDigest !== manifest.contentDigest) return false;
  const { before, after } = await states.restore({ clock: manifest.clock, complete: true, dryRun: true });
  return before.stateDigest === after.stateDigest;
}

function hasChanged({ applied, before, after }: ChangeReport): boolean {
  return applied && before.stateDigest !== after.stateDigest;
}

function tokenFor(snapshots: readonly RepositorySnapshot[], stateDigest: string): string {
  return confirmToken({
    mode: 'merge',
    snapshotIds: snapshots.map(({ snapshotId }) => snapshotId),
    stateDigest,
  });
}

const MAX_EXAMPLES = 5;

/** Several applications, in their order, as one. Null for none. */
export function combineReports(reports: readonly ChangeReport[]): ChangeReport | null {
  const [first, ...rest] = reports;
  if (first === undefined) return null;
  return rest.reduce(
    (sum, next): ChangeReport => ({
      applied: sum.applied && next.applied,
      held: sum.held || next.held,
      added: combineLists(sum.added, next.added),
      changed: combineLists(sum.changed, next.changed),
      removed: combineLists(sum.removed, next.removed),
      conflicts: sum.conflicts + next.conflicts,
      reusedDots: sum.reusedDots + next.reusedDots,
      missingIds: sum.missingIds + next.missingIds,
      keptErased: sum.keptErased + next.keptErased,
      before: sum.before,
      after: next.after,
    }),
    first,
  );
}

function combineLists(a: ChangeList, b: ChangeList): ChangeList {
  return { count: a.count + b.count, examples: [...a.examples, ...b.examples].slice(0, MAX_EXAMPLES) };
}

/** What a confirmation is about. */
export interface ConfirmedFacts {
  readonly mode: 'replace' | 'merge';
  readonly snapshotIds: readonly string[];
  /** Of the local store at the dry run. */
  readonly stateDigest: string;
}

const LENGTH = 16;

/**
 * The token that a dry run gives. It fits only the same snapshots on the same local state, so it is worth nothing
 * any more once something was changed; no process needs to remember it.
 */
function confirmToken({ mode, snapshotIds, stateDigest }: ConfirmedFacts): string {
  const facts = JSON.stringify(['faiss-memory confirm', mode, snapshotIds, stateDigest]);
  return createHash('sha256').update(facts).digest('hex').slice(0, LENGTH);
}
