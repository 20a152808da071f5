import { randomBytes } from 'node:crypto';
import type { Connection } from './connection.ts';
import { APPLICATION_ID, SCHEMA_1, SCHEMA_2 } from './schema.ts';
import { rebuildWords } from './word-index.ts';

/** One step of the schema. Runs inside a transaction; versions count up from 1 without gaps. */
export interface Migration {
  readonly version: number;
  readonly up: (connection: Connection) => void;
}

/** Every migration ever released, in order. A released one never changes. */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    up: (connection) => {
      connection.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      connection.exec(SCHEMA_1);
      connection.exec(
        `INSERT INTO ledger (one, machine, sequence, live, trash, conflicts, content_sum, state_sum)
         VALUES (1, '${newMachineId()}', 0, 0, 0, 0, zeroblob(32), zeroblob(32))`,
      );
    },
  },
  {
    version: 2,
    up: (connection) => {
      connection.exec(SCHEMA_2);
    },
  },
  // Symbols, emoji, joined words and numbers with separators came into the full-text index.
  { version: 3, up: rebuildWords },
];

/** Random, because it must be unique among machines that know nothing of each other. */
export function newMachineId(): string {
  return randomBytes(8).toString('hex');
}
