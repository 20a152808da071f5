import { statSync } from 'node:fs';
import type { MemoryState, SnapshotFacts } from '../../backup/ports.ts';
import type { OpenedView, StatePage } from '../worker/protocol.ts';
import { Connection, Query } from './connection.ts';
import { readCarriedVectors } from './embeddings.ts';
import { toVersion, VERSION_COLUMNS, type VersionRow } from './rows.ts';
import { readDigests, readTotals } from './totals.ts';

const PAGE_ROWS = 500;
const PAGE_BYTES = 4 * 1024 * 1024;

const countMemories = new Query<[], { count: number }>('SELECT count(*) AS count FROM memory');
const selectChanged = new Query<
  [after: number, limit: number],
  { num: number; id: string; sequence: number }
>('SELECT num, id, sequence FROM memory WHERE sequence > ? ORDER BY sequence LIMIT ?');
const selectSiblings = new Query<[num: number], VersionRow>(
  `SELECT ${VERSION_COLUMNS} FROM version v WHERE v.num = ? AND v.sibling = 1 ORDER BY v.key`,
);

/** Number of all ids ever seen, and how many of them are live or in the trash. */
export function readFacts(connection: Connection): SnapshotFacts {
  const { live, trash } = readTotals(connection);
  return { memories: countMemories.get(connection)?.count ?? 0, live, trash };
}

/** A read transaction on its own connection; it sees the store as it was when the view was opened. */
export class ReplicaView {
  readonly #connection: Connection;

  /** @param connection has no open transaction, and is used by this view alone until `close` */
  constructor(connection: Connection) {
    this.#connection = connection;
    connection.exec('BEGIN');
  }

  describe(): Omit<OpenedView, 'view'> {
    const connection = this.#connection;
    const { machine, sequence } = readTotals(connection);
    return { machine, sequence, facts: readFacts(connection), ...readDigests(connection) };
  }

  page(after: number): StatePage {
    const states: MemoryState[] = [];
    let bytes = 0;
    let last = after;
    const rows = selectChanged.all(this.#connection, after, PAGE_ROWS);
    for (const { num, id, sequence } of rows) {
      if (bytes > PAGE_BYTES) return { states, next: last };
      const siblings = selectSiblings.all(this.#connection, num).map((row) => {
        const { key, ...version } = toVersion(row);
        const hasContent = version.state === 'live' || version.state === 'deleted';
        return { ...version, vectors: hasContent ? readCarriedVectors(this.#connection, key) : [] };
      });
      states.push({ id, siblings });
      bytes += siblings.reduce((sum, { text, vectors }) => sum + text.length + vectorBytes(vectors), 0);
      last = sequence;
    }
    return { states, next: rows.length < PAGE_ROWS ? null : last };
  }

  /** @returns the connection, without a transaction */
  close(): Connection {
    this.#connection.exec('ROLLBACK');
    return this.#connection;
  }
}

function vectorBytes(vectors: MemoryState['siblings'][number]['vectors']): number {
  return vectors.reduce(
    (sum, { chunks }) => sum + chunks.reduce((size, { vector }) => size + vector.length, 0),
    0,
  );
}

/**
 * Connections for views. One that is given back is used for the next view of the same file: a closed connection keeps
 * its files open until its statements are garbage-collected, which may never happen in an idle thread.
 */
export class ViewConnections {
  #idle: Connection | null = null;
  /** Identity of the file of each connection. */
  readonly #files = new WeakMap<Connection, string>();

  /** @param path of an existing database */
  take(path: string): Connection {
    const idle = this.#idle;
    this.#idle = null;
    const file = nameOf(path);
    if (idle !== null && this.#files.get(idle) === file) return idle;
    idle?.close();
    const connection = new Connection(path);
    this.#files.set(connection, file);
    return connection;
  }

  /** @param connection has no open transaction */
  giveBack(connection: Connection): void {
    connection.exec('PRAGMA shrink_memory');
    if (this.#idle === null) this.#idle = connection;
    else connection.close();
  }

  close(): void {
    this.#idle?.close();
    this.#idle = null;
  }
}

function nameOf(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev} ${ino}`;
}
