import { ObjectMissingError } from '../../errors/backup-errors.ts';
import type { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { InvalidInputError, StateChangedError } from '../../errors/input-errors.ts';
import { confirmationToken } from '../../memory/confirmation.ts';
import { type VersionVector, compareText, includesMore } from '../../memory/version.ts';
import type {
  ApplyRequest,
  ChangeList,
  ChangeReport,
  RemovalLimit,
  ReplicaIdentity,
  ReplicaStore,
} from '../../store/replica-store.ts';
import type { RestoreRequest, RestoreResult, SnapshotSummary, WorkOptions } from '../backup-api.ts';
import { publishedWrites, refusal, replacedRefusal } from '../claims.ts';
import { LOCAL_REPOSITORY_ID } from '../own-identity.ts';
import { type RepositorySnapshot, summarizeSnapshot } from '../repository/list-snapshots.ts';
import type { Repository } from '../repository/repository.ts';
import { assertSameOwnWrites, differingSnapshots } from './equal-vectors.ts';
import { type LeftSnapshot, mergeTips } from './merge-snapshots.ts';
import { type StagedSnapshot, stageSnapshot } from './stage-snapshot.ts';

export interface SnapshotRestorerParts {
  readonly replica: ReplicaStore;
  /** The repository as the store's present machine. */
  readonly repository: () => Promise<Repository>;
  /** Makes a local snapshot of the present state, which undoes the restore. */
  readonly backupBefore: (kind: 'pre_restore' | 'pre_merge') => Promise<SnapshotSummary>;
  /** When merges remove more in a day, they wait for a confirmation. */
  readonly limit: RemovalLimit;
  /** False erases at once memories that other machines erased. Default true: the content is kept for a while, hidden. */
  readonly hidePurged?: boolean | undefined;
  /** Characters of a text that this machine accepts. Larger memories from other machines are reported. */
  readonly textLimit?: number | undefined;
}

/** Attempts of a restore: another process may prune an object, so the restore starts again from the heads. */
const MAX_PLANS = 3;

/**
 * Applies snapshots of a local or remote repository to the local store: `replace` makes the store equal to one
 * snapshot, `merge` adds changes that the store does not include. Each snapshot is read and checked before it changes
 * anything.
 */
export class SnapshotRestorer {
  readonly #parts: SnapshotRestorerParts;

  constructor(parts: SnapshotRestorerParts) {
    this.#parts = parts;
  }

  /**
   * The caller must hold the work lock, and give the store a new identity after a MachineForkedError.
   * @throws InvalidInputError, StateChangedError, SnapshotNotFoundError, SnapshotAmbiguousError and the errors of
   *   reading the repository
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
    if (query === undefined)
      throw new InvalidInputError('snapshot', 'is missing', 'name the snapshot to restore');
    if (!dryRun && confirm === undefined) {
      throw new InvalidInputError('confirm', 'is missing', 'make a dry run first and pass its token');
    }
    const snapshot = await repository.findSnapshot(query, options);
    const staged = await this.#stage(repository, snapshot, { onlyNew: false, options });
    try {
      const identity = await this.#parts.replica.identity();
      const { stateDigest } = identity;
      const token = confirmToken('replace', [snapshot], stateDigest);
      const result = { mode: 'replace', snapshots: [summarizeSnapshot(snapshot, identity)] } as const;
      const base = {
        clock: staged.manifest.clock,
        complete: true,
        hidePurged: this.#hidePurged,
        // This machine's own backups are the user's way back from changes of other machines.
        bringBack: repository.repositoryId === LOCAL_REPOSITORY_ID,
      };
      if (dryRun) {
        const changes = await staged.states.restore({ ...base, dryRun });
        return { ...result, changes, confirm: token, ...warningsOf(changes) };
      }
      if (confirm !== token) throw new StateChangedError();
      const undo = (await changesNothing(staged, base, identity))
        ? {}
        : { undo: await this.#parts.backupBefore('pre_restore') };
      // Nothing was changed until here, and the rest is one transaction.
      options.signal?.throwIfAborted();
      options.onProgress?.({ step: 'replacing memories', done: 0, total: staged.states.memories });
      const changes = await staged.states.restore({ ...base, expectedState: stateDigest, note: staged.note });
      return { ...result, changes, ...undo, ...warningsOf(changes) };
    } finally {
      await staged.states.close();
    }
  }

  async #merge(
    repository: Repository,
    request: RestoreRequest,
    options: WorkOptions,
  ): Promise<RestoreResult> {
    // This detects a copy of the data folder, whose writes would otherwise look like the own ones.
    await repository.checkOwnHead();
    const { replica, limit, textLimit } = this.#parts;
    const { wanted, refused, published } = await this.#wanted(repository, request.snapshot, options);
    const identity = await replica.identity();
    const summaries = wanted.map((snapshot) => summarizeSnapshot(snapshot, identity));
    const result = { mode: 'merge', snapshots: summaries } as const;
    const [firstRefusal] = refused;
    if (wanted.length === 0 && firstRefusal !== undefined) throw firstRefusal;
    if (wanted.length === 0) return { ...result, changes: null };
    const token = confirmToken('merge', wanted, identity.stateDigest);
    const { dryRun = false, confirm } = request;
    if (confirm !== undefined && confirm !== token) throw new StateChangedError();
    const undo =
      dryRun || identity.memories === 0 ? {} : { undo: await this.#parts.backupBefore('pre_merge') };
    const merged = await mergeTips(wanted, {
      ...{ replica, repository, dryRun, published, textLimit, options },
      ...{ confirmed: confirm !== undefined, hidePurged: this.#hidePurged },
      limit: dryRun ? undefined : limit,
    });
    const { reports, left } = merged;
    const errors = [...refused, ...merged.errors];
    const [firstError] = errors;
    if (reports.length === 0 && firstError !== undefined) throw firstError;
    // An unreadable snapshot does not stop the others, but the user must know about it.
    const warnings = [...merged.warnings, ...errors.map(describeRefusal)];
    const asked = left.some(({ held }) => held !== null) ? await this.#askFor(left) : {};
    return {
      ...result,
      changes: combineReports(reports),
      ...(reports.some(hasChanged) ? undo : {}),
      ...(warnings.length > 0 ? { warnings } : {}),
      ...(dryRun ? { confirm: token } : {}),
      ...asked,
    };
  }

  /**
   * The confirmation of waiting changes. A later snapshot may have brought what an earlier one was held back for, and more:
   * then the earlier one waits no more.
   */
  async #askFor(left: readonly LeftSnapshot[]): Promise<Pick<RestoreResult, 'waiting' | 'confirm'>> {
    const { clock, stateDigest } = await this.#parts.replica.identity();
    const stillLeft = left.filter(({ snapshot }) => includesMore(snapshot.clock, clock));
    const waiting = waitingIn(stillLeft);
    if (waiting === null) return {};
    const snapshots = stillLeft.map(({ snapshot }) => snapshot);
    return { waiting, confirm: confirmToken('merge', snapshots, stateDigest) };
  }

  get #hidePurged(): boolean {
    return this.#parts.hidePurged ?? true;
  }

  /**
   * The requested snapshot. Without one, the newest snapshot of every other machine that the store does not include,
   * oldest first.
   */
  async #wanted(
    repository: Repository,
    query: string | undefined,
    options: WorkOptions,
  ): Promise<WantedSnapshots> {
    const { machine, clock } = await this.#parts.replica.identity();
    const list = await repository.listSnapshots(options);
    await repository.checkCopies(list);
    const { replica } = this.#parts;
    const differing =
      query === undefined ? await differingSnapshots({ replica, repository }, list, options) : [];
    for (const snapshot of differing) await assertSameOwnWrites({ replica, repository }, snapshot);
    if (query !== undefined)
      return { wanted: [await repository.findSnapshot(query)], refused: [], published: {} };
    const { snapshots, machines } = list;
    const newest = new Map(snapshots.map((snapshot) => [snapshot.machine, snapshot.snapshotId]));
    newest.delete(machine);
    const tips = snapshots.filter(
      (snapshot) =>
        newest.get(snapshot.machine) === snapshot.snapshotId && includesMore(snapshot.clock, clock),
    );
    const published = publishedWrites(machines);
    const replaced = new Map(machines.map((report) => [report.machine, replacedRefusal(report)]));
    const refusals = tips.map(
      (tip) => replaced.get(tip.machine) ?? refusal(tip, { machine, clock, published }),
    );
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
  /** One error for each snapshot that is not merged because its version vector cannot be trusted. */
  readonly refused: readonly FaissMemoryError[];
  readonly published: VersionVector;
}

function describeRefusal({ message, fix }: FaissMemoryError): string {
  return `Not merged: ${message}.${fix === undefined ? '' : ` ${fix}`}`;
}

/**
 * True when a restore would write nothing. Equal content is not enough, because the restore may resolve conflicts, so
 * a dry run decides.
 */
async function changesNothing(
  { manifest, states }: StagedSnapshot,
  request: ApplyRequest,
  { contentDigest }: ReplicaIdentity,
): Promise<boolean> {
  if (contentDigest !== manifest.contentDigest) return false;
  const { before, after } = await states.restore({ ...request, dryRun: true });
  return before.stateDigest === after.stateDigest;
}

function warningsOf({ broughtBack }: ChangeReport): { warnings?: readonly string[] } {
  if (broughtBack === 0) return {};
  const which =
    broughtBack === 1 ? '1 memory that another machine' : `${broughtBack} memories that other machines`;
  const them = broughtBack === 1 ? 'It comes' : 'They come';
  return {
    warnings: [
      `The restore brings back ${which} had erased for good. ${them} back on all machines that merge.`,
    ],
  };
}

/** The removals that the limit held back; null when there are none. */
function waitingIn(left: readonly LeftSnapshot[]): Required<RestoreResult>['waiting'] | null {
  const held = left.flatMap((snapshot) => snapshot.held ?? []);
  const removed = combineReports(held)?.removed.count;
  if (removed === undefined) return null;
  return { removed, lately: Math.max(...held.map(({ removedLately }) => removedLately)) };
}

function hasChanged({ applied, before, after }: ChangeReport): boolean {
  return applied && before.stateDigest !== after.stateDigest;
}

const MAX_EXAMPLES = 5;

/**
 * Combines the reports of several snapshots, in their order. Null for an empty list. A memory that several unapplied
 * reports list counts once.
 */
export function combineReports(reports: readonly ChangeReport[]): ChangeReport | null {
  const [first, ...rest] = reports;
  if (first === undefined) return null;
  return rest.reduce(
    (sum, next): ChangeReport => ({
      applied: sum.applied && next.applied,
      held: sum.held || next.held,
      removedLately: Math.max(sum.removedLately, next.removedLately),
      added: combineLists(sum.added, next.added),
      changed: combineLists(sum.changed, next.changed),
      removed: combineLists(sum.removed, next.removed),
      conflicts: sum.conflicts + next.conflicts,
      reusedDots: sum.reusedDots + next.reusedDots,
      missingIds: sum.missingIds + next.missingIds,
      keptErased: sum.keptErased + next.keptErased,
      broughtBack: sum.broughtBack + next.broughtBack,
      before: sum.before,
      after: next.after,
    }),
    first,
  );
}

function combineLists(a: ChangeList, b: ChangeList): ChangeList {
  const known = new Set(a.ids ?? []);
  const fresh = b.ids?.filter((id) => !known.has(id)) ?? [];
  const count = a.count + (b.ids === undefined ? b.count : fresh.length);
  const examples = [...a.examples, ...b.examples.filter(({ id }) => !known.has(id))].slice(0, MAX_EXAMPLES);
  const hasIds = a.ids !== undefined || b.ids !== undefined;
  return { count, examples, ...(hasIds ? { ids: [...known, ...fresh] } : {}) };
}

/**
 * The token that a dry run returns: of the snapshots, in whatever order, and of the local state.
 * @param stateDigest of the local store at the time of the dry run
 */
function confirmToken(
  mode: 'replace' | 'merge',
  snapshots: readonly RepositorySnapshot[],
  stateDigest: string,
): string {
  const names = snapshots.map(({ machine, snapshotId }) => `${machine}/${snapshotId}`).sort(compareText);
  return confirmationToken(['faiss-memory confirm', mode, names, stateDigest]);
}
