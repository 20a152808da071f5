import { canonicalJson, type MemoryContent } from '../../memory/version.ts';
import { storeAttributes } from './attribute-columns.ts';
import { type Connection, Query } from './connection.ts';
import { addFacets, removeFacets } from './filter.ts';
import type { SharedMemory } from '../shared-log.ts';
import { type ContentRow, toContent } from './rows.ts';

const upsertHidden = new Query<
  [
    num: number,
    hiddenAt: number,
    text: string,
    tags: string,
    source: string,
    metadata: string,
    createdAt: number,
    updatedAt: number,
  ]
>('INSERT OR REPLACE INTO hidden VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
const selectHidden = new Query<[num: number], ContentRow & { hidden_at: number }>(
  'SELECT hidden_at, text, tags, source, metadata, created_at, updated_at FROM hidden WHERE num = ?',
);
const deleteHidden = new Query<[num: number]>('DELETE FROM hidden WHERE num = ?');
const selectOld = new Query<[before: number, limit: number], { num: number }>(
  'SELECT num FROM hidden WHERE hidden_at <= ? ORDER BY hidden_at LIMIT ?',
);
const count = new Query<[], { count: number }>('SELECT count(*) AS count FROM hidden');
const insertErased = new Query<[num: number]>('INSERT OR IGNORE INTO erased_here (num) VALUES (?)');
const deleteErased = new Query<[num: number]>('DELETE FROM erased_here WHERE num = ?');
const findErased = new Query<[num: number], { num: number }>('SELECT num FROM erased_here WHERE num = ?');

/** Of one transaction, so that others wait for it only shortly. */
const STEP = 200;

/**
 * Keeps the content of a memory that another machine erased. It is beside the versions, so no snapshot, search or
 * digest has it.
 */
export function hide(
  connection: Connection,
  num: number,
  kept: { content: MemoryContent; at: number },
): void {
  const { text, tags, source, metadata, createdAt, updatedAt } = kept.content;
  const facets = [JSON.stringify(tags), source, canonicalJson(metadata)] as const;
  connection.touched.memories.add(num);
  upsertHidden.run(connection, num, kept.at, text, ...facets, createdAt, updatedAt);
  addFacets(connection, num, { live: false, content: kept.content });
  storeAttributes(connection, num, metadata);
}

/** The kept content; null when the memory is not hidden. */
export function hiddenContent(connection: Connection, num: number): MemoryContent | null {
  const row = selectHidden.get(connection, num);
  return row === undefined ? null : toContent(row);
}

/** The kept content, and when the erasure arrived; null when the memory is not hidden. */
export function hiddenRow(
  connection: Connection,
  num: number,
): { readonly content: MemoryContent; readonly at: number } | null {
  const row = selectHidden.get(connection, num);
  return row === undefined ? null : { content: toContent(row), at: row.hidden_at };
}

/** Sets the knowledge of another store of the same space about an erased memory. */
export function setErasure(
  connection: Connection,
  num: number,
  { hidden, erasedHere }: Pick<SharedMemory, 'hidden' | 'erasedHere'>,
): void {
  dropHidden(connection, num);
  if (hidden !== null) hide(connection, num, hidden);
  if (erasedHere) insertErased.run(connection, num);
  else deleteErased.run(connection, num);
}

/** Removes the kept content. @returns whether there was any */
function dropHidden(connection: Connection, num: number): boolean {
  const content = hiddenContent(connection, num);
  if (content === null) return false;
  connection.touched.memories.add(num);
  removeFacets(connection, num, { live: false, content });
  deleteHidden.run(connection, num);
  storeAttributes(connection, num, null);
  return true;
}

/** Number of hidden memories. */
export function countHidden(connection: Connection): number {
  return count.get(connection)?.count ?? 0;
}

export function hasOldHidden(connection: Connection, before: number): boolean {
  return selectOld.get(connection, before, 1) !== undefined;
}

/** One step of erasing content that was hidden at `before` or earlier. */
export function expireHidden(connection: Connection, before: number): { count: number; more: boolean } {
  const old = selectOld.all(connection, before, STEP + 1);
  const step = old.slice(0, STEP);
  for (const { num } of step) dropHidden(connection, num);
  return { count: step.length, more: old.length > step.length };
}

/**
 * Notes that this machine's user wants the memory erased, so that no restore brings it back.
 * @returns whether its content was still kept here
 */
export function confirmErasure(connection: Connection, num: number): boolean {
  connection.touched.memories.add(num);
  insertErased.run(connection, num);
  return dropHidden(connection, num);
}

export function isErasedHere(connection: Connection, num: number): boolean {
  return findErased.get(connection, num) !== undefined;
}

/** For a memory that is not erased any more. */
export function forgetErasure(connection: Connection, num: number): void {
  dropHidden(connection, num);
  deleteErased.run(connection, num);
}
