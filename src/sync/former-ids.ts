import type { BackupService } from '../backup/backup-service.ts';
import { withOwnIdentity } from '../backup/own-identity.ts';
import type { VerifyProblem } from '../backup/repository/verify.ts';
import type { ReplicaStore } from '../store/replica-store.ts';
import type { SyncNotes } from './notes.ts';
import type { RemoteRepository } from './remote.ts';

export interface FormerIdsParts {
  readonly replica: ReplicaStore;
  readonly backup: BackupService;
  readonly remote: RemoteRepository;
  readonly notes: SyncNotes;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const COPIES_EVERY_MS = 3_600_000;
/** A folder that stays for the moment is tried again after this time, because each try costs a list. */
const RETIRE_EVERY_MS = 3_600_000;

/**
 * The ids that this data folder gave up. Its writes have other names by now, so its backups under a former id must not
 * be merged by any machine, this one included.
 */
export class FormerIds {
  readonly #parts: FormerIdsParts;
  #lookedForCopies = -Infinity;
  /** When the removal of a folder that stayed was tried last. */
  readonly #tried = new Map<string, number>();

  constructor(parts: FormerIdsParts) {
    this.#parts = parts;
  }

  /**
   * Runs work at the remote under the store's machine id, as `withOwnIdentity` does, after the backups under former ids
   * were removed.
   */
  asOwn<Result>(work: (machine: string) => Promise<Result>): Promise<Result> {
    const { replica, notes } = this.#parts;
    const onAbandoned = async (machine: string): Promise<void> => {
      const { retiring } = await notes.read();
      await notes.change({ retiring: [...new Set([...retiring, machine])] });
    };
    const retireFirst = async (machine: string): Promise<Result> => {
      await this.#retire();
      return work(machine);
    };
    return withOwnIdentity(replica, retireFirst, onAbandoned);
  }

  /**
   * Looks for writes of a copy of this data folder in the heads of other machines, at the first push of a process and
   * then once an hour: a folder is copied or rolled back while no process uses it.
   * @throws MachineForkedError
   */
  async lookForCopies(machine: string): Promise<void> {
    const { now, remote } = this.#parts;
    if (Math.abs(now() - this.#lookedForCopies) < COPIES_EVERY_MS) return;
    const repository = await remote.of(machine);
    await repository.checkCopies(await repository.listSnapshots());
    this.#lookedForCopies = now();
  }

  /** Problems of the folders that could not be removed. @param except an id that was checked already */
  async problems(except: string): Promise<VerifyProblem[]> {
    const { remote, notes } = this.#parts;
    const problems: VerifyProblem[] = [];
    for (const machine of (await notes.read()).retiring) {
      if (machine === except) continue;
      problems.push(...(await (await remote.of(machine)).verifySizes(machine)).problems);
    }
    return problems;
  }

  /** Backups of a copy that goes on under an old id stay, and damaged ones that may have more than this store. */
  async #retire(): Promise<void> {
    const { replica, backup, remote, notes, now } = this.#parts;
    const { retiring } = await notes.read();
    for (const machine of retiring) {
      if (Math.abs(now() - (this.#tried.get(machine) ?? -Infinity)) < RETIRE_EVERY_MS) continue;
      const { clock } = await replica.identity();
      const { snapshots } = await backup.repository(machine).listSnapshots();
      const snapshotIds = new Set(snapshots.map(({ snapshotId }) => snapshotId));
      if (await (await remote.of(machine)).retire({ clock, snapshotIds })) await notes.forgetMachine(machine);
      else this.#tried.set(machine, now());
    }
  }
}
