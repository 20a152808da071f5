import { type ErrorCode, FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { BlobStoreError, type BlobStoreReason } from '../errors/remote-errors.ts';
import type { VersionVector, JsonValue } from '../memory/version.ts';
import type { ReplicaStore } from '../store/replica-store.ts';
import { SerialQueue } from '../util/concurrency.ts';
import type { EmptyStart, Observed, SyncProblem } from './sync-api.ts';

/** What a data folder remembers about one remote. */
export interface SyncNote {
  readonly lastPush: Observed<{ readonly snapshot: string }> | null;
  readonly lastPull: Observed<{ readonly snapshots: number }> | null;
  readonly reachable: Observed<boolean> | null;
  /** Since the last success of anything. */
  readonly problem: SyncProblem | null;
  /** The remote refused a write, and accepted none since; that it can be read proves nothing. */
  readonly pushProblem: SyncProblem | null;
  readonly heldMerge: { readonly removed: number; readonly at: number } | null;
  /** What all machines' newest snapshots include, as seen last. */
  readonly remoteClock: VersionVector | null;
  /** When this machine's old snapshots were dropped there last. */
  readonly lastPrune: number | null;
  /** The remote refused to delete what was dropped last. */
  readonly appendOnly: boolean;
  /** Own ids that a repair gave up, and whose backups are still there. */
  readonly retiring: readonly string[];
  /** Null = not decided yet. */
  readonly emptyStart: EmptyStart | null;
}

const NOTHING: SyncNote = {
  lastPush: null,
  lastPull: null,
  reachable: null,
  problem: null,
  pushProblem: null,
  heldMerge: null,
  remoteClock: null,
  lastPrune: null,
  appendOnly: false,
  retiring: [],
  emptyStart: null,
};

/** Kept with the memories, so that every process of the data folder tells the same. */
export class SyncNotes {
  readonly #replica: ReplicaStore;
  readonly #name: string;
  readonly #changes = new SerialQueue();

  /** @param repositoryId name of the remote in the journal */
  constructor(replica: ReplicaStore, repositoryId: string) {
    this.#replica = replica;
    this.#name = `sync:${repositoryId}`;
  }

  async read(): Promise<SyncNote> {
    const note = await this.#replica.readNote(this.#name);
    if (note === null || typeof note !== 'object' || Array.isArray(note)) return NOTHING;
    return decode(note);
  }

  /**
   * One change after the other, so that a status and an upload of this process keep each other's parts. Of two
   * processes at the same moment the later one wins; each observes again soon.
   */
  change(changes: Partial<SyncNote>): Promise<void> {
    return this.#changes.run(async () => {
      const note = { ...(await this.read()), ...changes };
      // The members of a note are JSON values; interfaces have no index signature, so the compiler does not see it.
      await this.#replica.writeNote(this.#name, note as unknown as JsonValue);
    });
  }
}

const EMPTY_STARTS: readonly EmptyStart[] = ['not-needed', 'pending', 'done'];

function decode(note: { readonly [key: string]: JsonValue }): SyncNote {
  const push = observed(note['lastPush']);
  const pull = observed(note['lastPull']);
  const reachable = observed(note['reachable']);
  const held = asObject(note['heldMerge']);
  const snapshot = asObject(push?.value)?.['snapshot'];
  const snapshots = asObject(pull?.value)?.['snapshots'];
  return {
    lastPush: push !== null && typeof snapshot === 'string' ? { value: { snapshot }, at: push.at } : null,
    lastPull: pull !== null && typeof snapshots === 'number' ? { value: { snapshots }, at: pull.at } : null,
    reachable: typeof reachable?.value === 'boolean' ? { value: reachable.value, at: reachable.at } : null,
    problem: readSyncProblem(note['problem']),
    pushProblem: readSyncProblem(note['pushProblem']),
    heldMerge:
      typeof held?.['removed'] === 'number' && typeof held['at'] === 'number'
        ? { removed: held['removed'], at: held['at'] }
        : null,
    remoteClock: asVersionVector(note['remoteClock']),
    lastPrune: typeof note['lastPrune'] === 'number' ? note['lastPrune'] : null,
    appendOnly: note['appendOnly'] === true,
    retiring: asTexts(note['retiring']),
    emptyStart: EMPTY_STARTS.find((state) => state === note['emptyStart']) ?? null,
  };
}

function observed(value: JsonValue | undefined): { value: JsonValue | undefined; at: number } | null {
  const fields = asObject(value);
  const at = fields?.['at'];
  return fields === null || typeof at !== 'number' ? null : { value: fields['value'], at };
}

function asObject(value: JsonValue | undefined): { [key: string]: JsonValue } | null {
  return value === null || typeof value !== 'object' || Array.isArray(value) ? null : value;
}

function asTexts(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}

function asVersionVector(value: JsonValue | undefined): VersionVector | null {
  const fields = asObject(value);
  if (fields === null) return null;
  const entries = Object.entries(fields).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
  return Object.fromEntries(entries);
}

/** Remembers whether the remote answered, and what went wrong, whoever asked it. */
export class SyncObserver {
  readonly #notes: SyncNotes;
  readonly #now: () => number;

  /** @param now milliseconds since the epoch */
  constructor(notes: SyncNotes, now: () => number) {
    this.#notes = notes;
    this.#now = now;
  }

  /** Work that only reads the remote. @throws what the work throws */
  reading<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#observe(work, false);
  }

  /** Work that writes there. @throws what the work throws */
  writing<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#observe(work, true);
  }

  /** Nobody waits any longer for the answer; when it comes it is observed all the same. */
  noAnswer(waitedMs: number): Promise<void> {
    const message = `The remote did not answer within ${Math.round(waitedMs / 1_000)} s`;
    const fix = 'Check the network and the endpoint.';
    return this.#remember({ code: 'timeout', message, fix, at: this.#now() }, true, false);
  }

  async #observe<Result>(work: () => Promise<Result>, writes: boolean): Promise<Result> {
    try {
      const result = await work();
      const reachable = { value: true, at: this.#now() };
      await this.#notes.change({ reachable, problem: null, ...(writes ? { pushProblem: null } : {}) });
      return result;
    } catch (error) {
      const problem = observedProblem(error, this.#now());
      if (problem !== null) await this.#remember(problem, isUnreachable(error), writes);
      throw error;
    }
  }

  async #remember(problem: SyncProblem, unreachable: boolean, writes: boolean): Promise<void> {
    await this.#notes.change({
      reachable: { value: !unreachable, at: problem.at },
      ...(writes && !unreachable ? { pushProblem: problem } : { problem }),
    });
  }
}

/** What went wrong, for users: the messages and fixes of our own errors, which never hold secrets or texts. */
export function toSyncProblem(error: unknown, at: number): SyncProblem {
  if (!(error instanceof FaissMemoryError)) {
    return { code: 'INTERNAL', message: 'An unexpected failure, see the log', at };
  }
  const { fix, message } = error;
  const code = error instanceof BlobStoreError ? error.reason : error.code;
  return { code, message, at, ...(fix === undefined ? {} : { fix }) };
}

/** A problem out of a note. */
function readSyncProblem(value: JsonValue | undefined): SyncProblem | null {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null;
  const { code, message, fix, at } = value;
  if (typeof code !== 'string' || typeof message !== 'string' || typeof at !== 'number') return null;
  return { code, message, at, ...(typeof fix === 'string' ? { fix } : {}) };
}

const UNREACHABLE: readonly BlobStoreReason[] = [
  'unreachable',
  'interrupted',
  'timeout',
  'tls',
  'throttled',
  'server-error',
];

/** The remote did not answer, in contrast to a remote that refused. */
function isUnreachable(error: unknown): boolean {
  return error instanceof BlobStoreError && UNREACHABLE.includes(error.reason);
}

/** Mistakes of a caller, and work that was put off, say nothing about the remote. */
const NOT_OBSERVED: ReadonlySet<ErrorCode> = new Set([
  'INVALID_INPUT',
  'STATE_CHANGED',
  'SNAPSHOT_NOT_FOUND',
  'SNAPSHOT_AMBIGUOUS',
  'BACKUP_BUSY',
  'SYNC_OFF',
]);

/** What the status should tell about a failed call; null = nothing. */
function observedProblem(error: unknown, at: number): SyncProblem | null {
  if (!(error instanceof FaissMemoryError) || NOT_OBSERVED.has(error.code)) return null;
  // We ended it ourselves.
  if (error instanceof BlobStoreError && error.reason === 'closed') return null;
  return toSyncProblem(error, at);
}
