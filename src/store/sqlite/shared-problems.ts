import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import { DATABASE_NAME } from '../memory-store.ts';
import type { SharedLog } from '../shared-log.ts';
import { Connection } from './connection.ts';

type NamedLog = Pick<SharedLog, 'location' | 'space'>;

/** The log may answer later. A full disk of the log can refuse reads too: large ones are sorted in files. */
export function isOutage(error: unknown): boolean {
  const codes = ['STORE_UNAVAILABLE', 'STORE_FULL'];
  return error instanceof FaissMemoryError && codes.includes(error.code) && error.retryable;
}

/** The log may answer later than a read waits. */
export function slow({ location }: NamedLog, waitedMs: number): StoreUnavailableError {
  return new StoreUnavailableError(`The database ${location} did not answer within ${waitedMs} ms`, {
    retryable: true,
  });
}

/** A copy of the log answered, from which nothing may be concluded about the log. */
export function behind({ location }: NamedLog): StoreUnavailableError {
  const problem = 'is a standby that lacks entries which this server has read already';
  return new StoreUnavailableError(`The database ${location} ${problem}`, {
    fix: 'Name the primary server in MEMORY_DATABASE_URL, or all servers with target_session_attrs=read-write.',
    retryable: true,
  });
}

/** @param path of the index */
export function spaceGone({ space, location }: NamedLog, path: string): StoreUnavailableError {
  return new StoreUnavailableError(`The space ${space} is not in the database ${location} any more`, {
    fix: `It was deleted. To begin a new one, remove ${path}.`,
  });
}

/** @param path of the index */
export function thrownAway(path: string): StoreUnavailableError {
  return new StoreUnavailableError(`The index ${path} is thrown away again and again`, {
    fix: 'Give each server a MEMORY_DATA_DIR of its own: another one may use this folder with another database.',
    retryable: true,
  });
}

/**
 * Memories of this folder must not seem to be lost.
 * @param index path of the index
 * @throws FaissMemoryError `CONFIGURATION`
 */
export function checkNoOwnMemories(index: string, { space, location }: NamedLog): void {
  const path = join(dirname(index), DATABASE_NAME);
  if (!existsSync(path) || countMemories(path) === 0) return;
  throw new FaissMemoryError(
    'CONFIGURATION',
    `The space ${space} of ${location} is empty, and the folder ${dirname(path)} has memories of its own`,
    {
      fix: 'Take them along with `faiss-memory move --to` and the address of the database, or choose another folder with MEMORY_DATA_DIR.',
    },
  );
}

function countMemories(path: string): number {
  const connection = new Connection(path);
  try {
    const row = connection.statement('SELECT count(*) AS count FROM memory').get() as
      { count: number } | undefined;
    return row?.count ?? 0;
  } finally {
    connection.close();
  }
}
