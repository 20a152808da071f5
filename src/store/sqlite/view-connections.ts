import { statSync } from 'node:fs';
import { Connection } from './connection.ts';

/**
 * Connections for views. One that is given back serves the next view of the same file, because the files of a
 * closed connection stay open until its statements are garbage-collected, which a quiet thread may never do.
 */
export class ViewConnections {
  #idle: Connection | null = null;
  /** The files that connections have open. */
  readonly #files = new WeakMap<Connection, string>();

  /** @param path of a database that exists */
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

  /** @param connection without a transaction */
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
