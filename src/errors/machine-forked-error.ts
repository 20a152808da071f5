import { FaissMemoryError } from './faiss-memory-error.ts';

/**
 * The head of this machine was written by somebody else under the same identity, because the data folder was copied
 * or rolled back, or it is damaged, so that nobody can tell. Nothing was written. Before going on, this data folder must take a new machine id and write
 * every version with `dot.n > lastSharedWrite` again under it.
 */
export class MachineForkedError extends FaissMemoryError {
  readonly machine: string;
  /** Highest own write counter that both copies share for certain; 0 when nothing is known to be shared. */
  readonly lastSharedWrite: number;

  constructor(machine: string, lastSharedWrite: number, location: string) {
    super(
      'MACHINE_FORKED',
      `Another copy of this data folder publishes as machine ${machine} in ${location}; ` +
        `the copies share its writes up to number ${lastSharedWrite}`,
      { fix: 'Nothing needs to be done: this machine takes a new identity and continues.' },
    );
    this.machine = machine;
    this.lastSharedWrite = lastSharedWrite;
  }
}
