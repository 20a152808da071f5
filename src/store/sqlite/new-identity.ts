import type { Connection } from './connection.ts';
import { settle } from './derived-state.ts';
import { Ledger } from './ledger.ts';
import { newMachineId } from './migrations.ts';
import { Query } from './query.ts';
import { loadMemory } from './stored-memory.ts';

const selectVersions = new Query<
  [machine: string, after: number],
  { key: number; id: string; sibling: number }
>(
  `SELECT v.key, m.id, v.sibling FROM version v JOIN memory m ON m.num = v.num
   WHERE v.machine = ? AND v.n > ? ORDER BY v.n`,
);
const rename = new Query<[machine: string, n: number, key: number]>(
  'UPDATE version SET machine = ?, n = ? WHERE key = ?',
);
const updateMachine = new Query<[machine: string]>('UPDATE ledger SET machine = ?');
const deleteClock = new Query<[machine: string]>('DELETE FROM clock WHERE machine = ?');
const insertClock = new Query<[machine: string, n: number]>('INSERT INTO clock (machine, n) VALUES (?, ?)');

/**
 * Gives the store a new machine id and writes again under it what is not shared with the other copy.
 * @returns the id of the store afterwards
 */
export function takeNewIdentity(connection: Connection, machine: string, lastSharedWrite: number): string {
  const ledger = Ledger.load(connection);
  if (ledger.machine !== machine) return ledger.machine;
  const fresh = newMachineId();
  const versions = selectVersions.all(connection, machine, lastSharedWrite);
  const ids = new Set(versions.filter(({ sibling }) => sibling === 1).map(({ id }) => id));
  const before = [...ids].flatMap((id) => loadMemory(connection, id) ?? []);
  versions.forEach(({ key }, index) => rename.run(connection, fresh, index + 1, key));
  for (const memory of before) {
    const after = loadMemory(connection, memory.id);
    if (after !== undefined) settle({ connection, ledger }, memory, after);
  }
  ledger.save(connection);
  updateMachine.run(connection, fresh);
  deleteClock.run(connection, machine);
  if (lastSharedWrite > 0) insertClock.run(connection, machine, lastSharedWrite);
  if (versions.length > 0) insertClock.run(connection, fresh, versions.length);
  return fresh;
}
