import { FaissMemoryError } from './faiss-memory-error.ts';

/** An object of a backup repository is damaged or breaks the format. Nothing of it was used. */
export class RepositoryDamagedError extends FaissMemoryError {
  /** Key of the object inside the repository. */
  readonly key: string;
  /** The rest of a sentence that begins "it …". */
  readonly problem: string;

  /** @param problem the rest of a sentence that begins "it …"; never contains content of a memory */
  constructor(key: string, problem: string, options: { cause?: unknown; fix?: string } = {}) {
    super('REPOSITORY_DAMAGED', `The backup object ${key} is damaged: it ${problem}`, {
      fix: 'Use another snapshot, or make a new backup on the machine that wrote it, which replaces the damaged object.',
      ...options,
    });
    this.key = key;
    this.problem = problem;
  }
}

/** A newer version of the program wrote this object of a backup repository. */
export class RepositoryTooNewError extends FaissMemoryError {
  readonly key: string;
  /** Format version of the object. */
  readonly found: number;
  /** Newest format version that this program reads. */
  readonly supported: number;

  constructor(key: string, found: number, supported: number) {
    super(
      'REPOSITORY_TOO_NEW',
      `The backup object ${key} has format version ${found}; this version of faiss-memory reads up to ${supported}`,
      { fix: 'Update faiss-memory (npm install faiss-memory@latest) on this machine.' },
    );
    this.key = key;
    this.found = found;
    this.supported = supported;
  }
}

/**
 * An object that a head or a manifest names is missing, most likely because its owner pruned it meanwhile.
 * Callers retry a few times, beginning with the head.
 */
export class ObjectMissingError extends FaissMemoryError {
  readonly key: string;

  constructor(key: string, location: string) {
    super('OBJECT_MISSING', `The backup object ${key} is missing in ${location}`, {
      fix: 'Try again; if it stays missing, use another snapshot or make a new backup on the machine that wrote it.',
      retryable: true,
    });
    this.key = key;
  }
}

/**
 * no-passphrase: the object is encrypted, and no passphrase is configured. no-key-file: the machine's `key.json` is
 * missing. unknown-key: that file does not contain the object's key.
 */
export type MissingKeyReason = 'no-passphrase' | 'no-key-file' | 'unknown-key';

const PROBLEMS: Readonly<Record<MissingKeyReason, string>> = {
  'no-passphrase': 'it is encrypted and no passphrase is set',
  'no-key-file': 'it is encrypted and the key file of its machine is missing',
  'unknown-key': 'it is encrypted with a key that the key file of its machine does not contain',
};
const FIXES: Readonly<Record<MissingKeyReason, string>> = {
  'no-passphrase': 'Set CLOUD_SYNC_PASSPHRASE or CLOUD_SYNC_PASSPHRASE_FILE.',
  'no-key-file':
    'Run "faiss-memory sync push" on the machine that wrote it; its local backups contain the key file.',
  'unknown-key':
    'Run "faiss-memory sync push" on the machine that wrote it; its local backups contain the key file.',
};

/** An encrypted object cannot be opened because a key is missing; the object itself may be intact. */
export class MissingKeyError extends FaissMemoryError {
  readonly key: string;
  readonly reason: MissingKeyReason;

  /** @param key name of the object inside the repository */
  constructor(key: string, reason: MissingKeyReason) {
    super('MISSING_KEY', `The backup object ${key} cannot be opened: ${PROBLEMS[reason]}`, {
      fix: FIXES[reason],
    });
    this.key = key;
    this.reason = reason;
  }
}

/** The key file of a machine is intact but does not open with this passphrase. */
export class WrongPassphraseError extends FaissMemoryError {
  /** The machine whose backups cannot be opened. */
  readonly machine: string;

  constructor(machine: string) {
    super('WRONG_PASSPHRASE', `The passphrase does not open the backups of machine ${machine}`, {
      fix: 'Set CLOUD_SYNC_PASSPHRASE (or CLOUD_SYNC_PASSPHRASE_FILE) to the passphrase that machine uses now.',
    });
    this.machine = machine;
  }
}

/**
 * An object is less protected than the settings demand: it is not encrypted although a passphrase is set, or it is a
 * key file whose key derivation is weaker than this program's. An attacker with write access may have put it there.
 */
export class EncryptionDowngradeError extends FaissMemoryError {
  readonly key: string;

  /** @param problem the rest of a sentence that begins "it …" */
  constructor(key: string, problem: string) {
    super('ENCRYPTION_DOWNGRADE', `The backup object ${key} was refused: it ${problem}`, {
      fix: 'If one of your machines wrote it without the passphrase, set the passphrase there and push again.',
    });
    this.key = key;
  }
}

/** No complete snapshot has this name or id. */
export class SnapshotNotFoundError extends FaissMemoryError {
  /** The name or id that the caller gave. */
  readonly query: string;

  /** @param nearest an existing name that the caller probably meant */
  constructor(query: string, nearest?: string) {
    const shown = JSON.stringify(query.slice(0, 200));
    super('SNAPSHOT_NOT_FOUND', `There is no snapshot ${shown}`, {
      fix:
        nearest === undefined
          ? 'List the snapshots and use a name or an id from that list.'
          : `Did you mean ${nearest}? List the snapshots to see all names.`,
    });
    this.query = query;
  }
}

/** Several snapshots have this name. */
export class SnapshotAmbiguousError extends FaissMemoryError {
  readonly query: string;
  /** A unique name or id for each of these snapshots. */
  readonly candidates: readonly string[];

  constructor(query: string, candidates: readonly string[]) {
    super(
      'SNAPSHOT_AMBIGUOUS',
      `The snapshot name ${JSON.stringify(query.slice(0, 200))} fits ${candidates.length} snapshots: ${candidates.join(', ')}`,
      { fix: 'Use one of these instead.' },
    );
    this.query = query;
    this.candidates = candidates;
  }
}

/**
 * Another copy of this data folder wrote the head of this machine, because the folder was copied or rolled back; or
 * the head is damaged and its writer is unknown. Nothing was written. Before it goes on, this data folder must take a
 * new machine id and give every version with `dot.n > lastSharedWrite` a new dot under it.
 */
export class MachineForkedError extends FaissMemoryError {
  readonly machine: string;
  /** Highest number of an own write that both copies certainly share; 0 when none is known. */
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

/** Another process is backing up, syncing or restoring this data folder. */
export class BackupBusyError extends FaissMemoryError {
  constructor(dataDir: string, waitedMs: number) {
    const seconds = Math.round(waitedMs / 1_000);
    const since = seconds === 0 ? '' : `, for more than ${seconds} s`;
    super('BACKUP_BUSY', `Another process is backing up or syncing ${dataDir}${since}`, {
      fix: 'Wait until it has finished, and try again.',
      retryable: true,
    });
  }
}
