import { type ErrorCode, FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { BlobStoreError, type BlobStoreReason } from '../errors/remote-errors.ts';
import type { VersionVector, JsonValue } from '../memory/version.ts';
import type { ReplicaStore } from '../store/replica-store.ts';
import { SerialQueue } from '../util/concurrency.ts';
import type { EmptyStart, HeldMerge, Observed, SyncProblem } from './sync-api.ts';

/** A machine that has, or had, backups at the remote. */
export interface SeenMachine {
  /** When its head was there last. */
  readonly seenAt: number;
  /** True when the head was not there at the last look. */
  readonly gone: boolean;
}

/** Facts about one remote that a data folder remembers. Times are milliseconds since the epoch. */
export interface SyncNote {
  readonly lastPush: Observed<{ readonly snapshot: string }> | null;
  readonly lastPull: Observed<{ readonly snapshots: number }> | null;
  readonly reachable: Observed<boolean> | null;
  /** Newest problem since the last successful request. */
  readonly problem: SyncProblem | null;
  /** Newest refusal of a write since the last accepted write. A successful read does not clear it. */
  readonly pushProblem: SyncProblem | null;
  readonly heldMerge: HeldMerge | null;
  /** Version vector of the newest snapshots of all machines, as last seen. */
  readonly remoteClock: VersionVector | null;
  /** The machines whose heads were seen there, by id. Only `sync forget` removes one. */
  readonly machines: Readonly<Record<string, SeenMachine>>;
  /** When a process of this data folder last began to look at the remote; null = never. */
  readonly lookedAt: number | null;
  /** The same for looks that listed the remote. */
  readonly listedAt: number | null;
  /** When this machine last pruned its old snapshots there. */
  readonly lastPrune: number | null;
  /** True when the remote refused to delete objects in the last prune. */
  readonly appendOnly: boolean;
  /** Former machine ids, given up by a repair, whose backups are still at the remote. */
  readonly retiring: readonly string[];
  /** Null before it is decided. */
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
  machines: {},
  lookedAt: null,
  listedAt: null,
  lastPrune: null,
  appendOnly: false,
  retiring: [],
  emptyStart: null,
};

/** Reads and writes the note about one remote. It is kept in the database, so all processes of the data folder share it. */
export class SyncNotes {
  readonly #replica: ReplicaStore;
  readonly #name: string;
  readonly #changes = new SerialQueue();

  /** @param repositoryId id of the remote in the journal */
  constructor(replica: ReplicaStore, repositoryId: string) {
    this.#replica = replica;
    this.#name = `sync:${repositoryId}`;
  }

  async read(): Promise<SyncNote> {
    const note = await this.#replica.readNote(this.#name);
    if (note === null || typeof note !== 'object' || Array.isArray(note)) return NOTHING;
    return decode(note);
  }

  /** Removes a machine from the ones that were seen, because a user removed its backups on purpose. */
  async forgetMachine(machine: string): Promise<void> {
    const { machines, retiring } = await this.read();
    const others = Object.entries(machines).filter(([name]) => name !== machine);
    await this.change({
      machines: Object.fromEntries(others),
      retiring: retiring.filter((name) => name !== machine),
    });
  }

  /**
   * Changes some fields. Changes of this process run one after the other, so that none is lost. When two processes
   * change the note at the same moment, the later one wins, and the other observes the remote again soon.
   */
  change(changes: Partial<SyncNote>): Promise<void> {
    return this.#changes.run(async () => {
      const note = { ...(await this.read()), ...changes };
      // All fields of a note are JSON values, but the compiler cannot see it: interfaces have no index signature.
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
        ? { removed: held['removed'], lately: asCount(held['lately']), at: held['at'] }
        : null,
    remoteClock: asVersionVector(note['remoteClock']),
    machines: asMachines(note['machines']),
    lookedAt: asNumber(note['lookedAt']),
    listedAt: asNumber(note['listedAt']),
    lastPrune: asNumber(note['lastPrune']),
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

function asNumber(value: JsonValue | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

function asMachines(value: JsonValue | undefined): Record<string, SeenMachine> {
  const entries = Object.entries(asObject(value) ?? {}).flatMap(([machine, fields]) => {
    const { seenAt, gone } = asObject(fields) ?? {};
    return typeof seenAt === 'number' ? [[machine, { seenAt, gone: gone === true }] as const] : [];
  });
  return Object.fromEntries(entries);
}

function asCount(value: JsonValue | undefined): number {
  return typeof value === 'number' ? value : 0;
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

/** Notes for each request whether the remote answered, and the problem of a failed one. */
export class SyncObserver {
  readonly #notes: SyncNotes;
  readonly #now: () => number;

  /** @param now milliseconds since the epoch */
  constructor(notes: SyncNotes, now: () => number) {
    this.#notes = notes;
    this.#now = now;
  }

  /** Runs work that only reads the remote. @throws the work's own errors */
  reading<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#observe(work, false);
  }

  /** Runs work that writes to the remote. @throws the work's own errors */
  writing<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#observe(work, true);
  }

  /** Runs a look at the remote, which notes its finds by itself. @throws the work's own errors */
  async looking<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      await this.#failed(error, false);
      throw error;
    }
  }

  /** Notes that the remote did not answer in time. A late answer is still observed by `reading` or `writing`. */
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
      await this.#failed(error, writes);
      throw error;
    }
  }

  async #failed(error: unknown, writes: boolean): Promise<void> {
    const problem = observedProblem(error, this.#now());
    if (problem !== null) await this.#remember(problem, isUnreachable(error), writes);
  }

  async #remember(problem: SyncProblem, unreachable: boolean, writes: boolean): Promise<void> {
    await this.#notes.change({
      reachable: { value: !unreachable, at: problem.at },
      ...(writes && !unreachable ? { pushProblem: problem } : { problem }),
    });
  }
}

/** Describes a failure for users. It shows messages of the product's own errors only, which contain no secrets. */
export function toSyncProblem(error: unknown, at: number): SyncProblem {
  if (!(error instanceof FaissMemoryError)) {
    return { code: 'INTERNAL', message: 'An unexpected failure; the log has the details', at };
  }
  const { fix, message } = error;
  const code = error instanceof BlobStoreError ? error.reason : error.code;
  return { code, message, at, ...(fix === undefined ? {} : { fix }) };
}

/** Reads a problem from a note; null when it is malformed. */
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

/** True when the remote did not answer; false when it refused. */
function isUnreachable(error: unknown): boolean {
  return error instanceof BlobStoreError && UNREACHABLE.includes(error.reason);
}

/** These errors come from the caller or from waiting work and tell nothing about the remote. */
const NOT_OBSERVED: ReadonlySet<ErrorCode> = new Set([
  'INVALID_INPUT',
  'STATE_CHANGED',
  'SNAPSHOT_NOT_FOUND',
  'SNAPSHOT_AMBIGUOUS',
  'BACKUP_BUSY',
  'SYNC_OFF',
]);

/** The problem that the status shows after a failed call; null = none. */
function observedProblem(error: unknown, at: number): SyncProblem | null {
  if (!(error instanceof FaissMemoryError) || NOT_OBSERVED.has(error.code)) return null;
  // This process closed the store itself.
  if (error instanceof BlobStoreError && error.reason === 'closed') return null;
  return toSyncProblem(error, at);
}
