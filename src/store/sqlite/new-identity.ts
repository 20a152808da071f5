import { sameDot, type Dot } from '../../memory/version.ts';
import { type Connection, Query } from './connection.ts';
import { settle } from './derived-state.ts';
import { Totals, readVersionVector } from './totals.ts';
import { newMachineId } from './migrations.ts';
import { ChangedWords } from './full-text.ts';
import { loadMemory, type StoredMemory } from './rows.ts';

/** Versions of a machine whose `n` is above a number. */
export const selectVersions = new Query<[machine: string, after: number], { key: number; id: string }>(
  `SELECT v.key, m.id FROM version v JOIN memory m ON m.num = v.num
   WHERE v.machine = ? AND v.n > ? ORDER BY v.n`,
);
const rename = new Query<[machine: string, n: number, key: number]>(
  'UPDATE version SET machine = ?, n = ? WHERE key = ?',
);
const updateMachine = new Query<[machine: string]>('UPDATE ledger SET machine = ?');
const deleteFromVersionVector = new Query<[machine: string]>('DELETE FROM clock WHERE machine = ?');
const insertIntoVersionVector = new Query<[machine: string, n: number]>(
  'INSERT INTO clock (machine, n) VALUES (?, ?)',
);

/**
 * Gives the store a new machine id, and new dots to the versions after `lastSharedWrite`, which no other copy of the
 * data folder has.
 * @returns the store's machine id afterwards; unchanged when `machine` is not its present id
 */
export function takeNewIdentity(connection: Connection, machine: string, lastSharedWrite: number): string {
  const totals = Totals.load(connection);
  if (totals.machine !== machine) return totals.machine;
  const fresh = newMachineId();
  const versions = selectVersions.all(connection, machine, lastSharedWrite);
  let n = 0;
  renameVersions({ connection, totals }, versions, () => ({ machine: fresh, n: ++n }));
  totals.save(connection);
  updateMachine.run(connection, fresh);
  // The version vector must not claim more writes than this store includes.
  const shared = Math.min(lastSharedWrite, readVersionVector(connection)[machine] ?? 0);
  deleteFromVersionVector.run(connection, machine);
  if (shared > 0) insertIntoVersionVector.run(connection, machine, shared);
  if (versions.length > 0) insertIntoVersionVector.run(connection, fresh, versions.length);
  return fresh;
}

/** Gives versions new dots, in their order, and updates the derived state. Content stays. */
export function renameVersions(
  { connection, totals }: { readonly connection: Connection; readonly totals: Totals },
  versions: readonly { readonly key: number; readonly id: string }[],
  nextDot: () => Dot,
): void {
  connection.touched.renamed = true;
  const words = new ChangedWords();
  const renamed = new Map<string, { readonly key: number; readonly dot: Dot }[]>();
  for (const { key, id } of versions) {
    const ofMemory = renamed.get(id) ?? [];
    ofMemory.push({ key, dot: nextDot() });
    renamed.set(id, ofMemory);
  }
  for (const [id, renamings] of renamed) {
    const before = loadMemory(connection, id);
    for (const { key, dot } of renamings) rename.run(connection, dot.machine, dot.n, key);
    const after = loadMemory(connection, id);
    if (before === undefined || after === undefined || sameDots(before, after)) continue;
    settle({ connection, totals, words }, before, after);
  }
}

/** True when only replaced versions got new dots. */
function sameDots(before: StoredMemory, after: StoredMemory): boolean {
  return before.siblings.every(({ dot }, index) => {
    const other = after.siblings[index];
    return other !== undefined && sameDot(other.dot, dot);
  });
}
