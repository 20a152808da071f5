import type { RestoreResult, WorkOptions } from '../backup/backup-api.ts';
import { believedClock } from '../backup/claims.ts';
import type { ListScope, MachineReport, SnapshotList } from '../backup/repository/list-snapshots.ts';
import { includesMore, type VersionVector } from '../memory/version.ts';
import type { ReplicaIdentity, ReplicaStore } from '../store/replica-store.ts';
import type { SeenMachine, SyncNote, SyncNotes } from './notes.ts';
import type { RemoteRepository } from './remote.ts';

export interface RemoteHeadsParts {
  readonly remote: RemoteRepository;
  readonly replica: Pick<ReplicaStore, 'identity'>;
  readonly notes: SyncNotes;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The result of one look at the remote. */
export interface Look {
  /** True when another machine has published something that this store does not include and has not tried to merge. */
  readonly news: boolean;
  /** True when this machine's own head is gone or was set back, so that its backups must be uploaded again. */
  readonly ownLost: boolean;
  /** Call it when the news were merged, or were refused. The same news do not count again for some minutes. */
  readonly tried: () => void;
}

/** A bucket can be full of made-up folders. */
const MAX_KNOWN_MACHINES = 1_000;
/** A merge that was refused or held is tried again after this time. */
const TRY_AGAIN_MS = 5 * 60_000;
/** An observation that says nothing new is noted again after this time, because each note is a durable write. */
const NOTE_AGAIN_MS = 60_000;

/** Reads the heads of all machines, and remembers which machines there are: a head that is gone is still reported. */
export class RemoteHeads {
  readonly #parts: RemoteHeadsParts;
  /** Newest snapshot or error of each machine that a merge was tried for. */
  readonly #tried = new Map<string, string>();
  #triedSince = 0;

  constructor(parts: RemoteHeadsParts) {
    this.#parts = parts;
  }

  /** Lists the remote, and notes its version vector and its machines. */
  async list(options: WorkOptions = {}): Promise<SnapshotList> {
    const { notes } = this.#parts;
    const { list, changes } = await this.#read(await notes.read(), options);
    await notes.change(changes);
    return list;
  }

  /**
   * Asks for the heads of the known machines, and says whether there is something to do.
   * @param request.all true lists the remote, so that new machines are found; it costs a LIST
   */
  async look({ all }: { readonly all: boolean }): Promise<Look> {
    const { notes, replica, now } = this.#parts;
    const note = await notes.read();
    const at = now();
    // This is noted first, so that other processes of the data folder do not look at the same time.
    await notes.change({ lookedAt: at, ...(all ? { listedAt: at } : {}) });
    const { list, changes } = await this.#read(note, { onlyKnown: !all });
    const identity = await replica.identity();
    const news = this.#news(list.machines, identity);
    if (isNew(note, changes, at) || news.size > 0) {
      await notes.change({ ...changes, reachable: { value: true, at }, problem: null });
    }
    return {
      news: news.size > 0,
      ownLost: list.machines.some(({ machine, wentBack }) => wentBack && machine === identity.machine),
      tried: () => {
        for (const [machine, what] of news) this.#tried.set(machine, what);
      },
    };
  }

  /**
   * Looks at the remote after a merge. `unread` has a sentence for each machine whose backups could not be read;
   * `complete` is true when this store includes all writes at the remote.
   * @throws the first reason when no machine's backups could be read
   */
  async after({ snapshots, changes }: RestoreResult): Promise<{ unread: string[]; complete: boolean }> {
    const { machine: own, clock } = await this.#parts.replica.identity();
    const list = await this.list().catch((error: unknown) => {
      // A completed merge must not fail because the remote became unreachable afterwards.
      if (changes?.applied === true) return null;
      throw error;
    });
    if (list === null) return { unread: [], complete: false };
    const unread = list.machines.flatMap(({ machine, error }) =>
      error === null || machine === own ? [] : [{ machine, error }],
    );
    const [first] = unread;
    const readable = snapshots.length > 0 || list.snapshots.some(({ machine }) => machine !== own);
    if (first !== undefined && !readable) throw first.error;
    return {
      unread: unread.map(
        ({ machine, error }) => `Nothing of machine ${machine} was merged: ${error.message}.`,
      ),
      complete: unread.length === 0 && !includesMore(believedClock(list, own), clock),
    };
  }

  async #read(
    { machines: known }: SyncNote,
    scope: Omit<ListScope, 'known'>,
  ): Promise<{ readonly list: SnapshotList; readonly changes: Pick<SyncNote, 'remoteClock' | 'machines'> }> {
    const repository = await this.#parts.remote.own();
    const list = await repository.listSnapshots({ ...scope, known: Object.keys(known) });
    const remoteClock = believedClock(list, repository.machine);
    return { list, changes: { remoteClock, machines: remember(known, list.machines, this.#parts.now()) } };
  }

  /** The machines with something that a merge may bring, and a name for it that changes when the machine publishes. */
  #news(reports: readonly MachineReport[], { machine: own, clock }: ReplicaIdentity): Map<string, string> {
    const at = this.#parts.now();
    // `abs` lets it go on after the clock was set back.
    if (Math.abs(at - this.#triedSince) >= TRY_AGAIN_MS) {
      this.#tried.clear();
      this.#triedSince = at;
    }
    const news = new Map<string, string>();
    for (const report of reports) {
      const what = report.machine === own ? null : newsOf(report, clock);
      if (what !== null && this.#tried.get(report.machine) !== what) news.set(report.machine, what);
    }
    return news;
  }
}

function newsOf({ head, error }: MachineReport, clock: VersionVector): string | null {
  if (error !== null) return error.code;
  const newest = head?.head.snapshots.at(-1);
  return newest !== undefined && includesMore(newest.clock, clock) ? newest.snapshotId : null;
}

type Machines = Readonly<Record<string, SeenMachine>>;

/** @param reports leave out a known machine only when its id was given up */
function remember(known: Machines, reports: readonly MachineReport[], at: number): Machines {
  const machines: Record<string, SeenMachine> = {};
  let room = MAX_KNOWN_MACHINES - Object.keys(known).length;
  for (const { machine, head, error } of reports) {
    const before = known[machine];
    const isThere = head !== null || error !== null;
    if (isThere && (before !== undefined || room > 0)) {
      machines[machine] = { seenAt: at, gone: false };
      if (before === undefined) room -= 1;
    } else if (!isThere && before !== undefined) {
      machines[machine] = { seenAt: before.seenAt, gone: true };
    }
  }
  return machines;
}

/** True unless the note says the same already, and not long ago. */
function isNew(
  { remoteClock, machines, reachable, problem }: SyncNote,
  changes: Pick<SyncNote, 'remoteClock' | 'machines'>,
  at: number,
): boolean {
  const isFresh = reachable?.value === true && Math.abs(at - reachable.at) < NOTE_AGAIN_MS;
  const before = JSON.stringify([remoteClock, goneOf(machines)]);
  return (
    !isFresh || problem !== null || before !== JSON.stringify([changes.remoteClock, goneOf(changes.machines)])
  );
}

function goneOf(machines: Machines): [string, boolean][] {
  return Object.entries(machines).map(([machine, { gone }]) => [machine, gone]);
}
