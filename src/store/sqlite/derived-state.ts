import { hash } from 'node:crypto';
import { contentHash, siblingsHash } from '../../memory/digest.ts';
import { canonicalJson, currentVersion, isConflict } from '../../memory/version.ts';
import { ATTRIBUTE_COLUMNS, type AttributeValues, attributeValues } from './attribute-columns.ts';
import { type Connection, Query } from './connection.ts';
import { addFacets, removeFacets } from './filter.ts';
import type { Totals, TotalsEntry } from './totals.ts';
import type { StoredMemory, StoredVersion } from './rows.ts';
import { settleVectors } from './embeddings.ts';
import { forgetErasure, hiddenContent } from './hidden.ts';
import { forgetFound } from './found.ts';
import type { ChangedWords } from './full-text.ts';

const upsertMemory = new Query<
  [
    num: number,
    id: string,
    sequence: number,
    state: string,
    conflict: number,
    current: number,
    source: string,
    createdAt: number,
    updatedAt: number,
    textHash: Uint8Array | null,
    ...attributes: AttributeValues,
  ]
>(
  `INSERT INTO memory (num, id, sequence, state, conflict, current, source, created_at, updated_at, text_hash,
     ${ATTRIBUTE_COLUMNS.join(', ')})
   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${ATTRIBUTE_COLUMNS.map(() => '?').join(', ')})
   ON CONFLICT (num) DO UPDATE SET sequence = excluded.sequence, state = excluded.state,
     conflict = excluded.conflict, current = excluded.current, source = excluded.source,
     created_at = excluded.created_at, updated_at = excluded.updated_at, text_hash = excluded.text_hash,
     ${ATTRIBUTE_COLUMNS.map((column) => `${column} = excluded.${column}`).join(', ')}`,
);

/** The state of a memory that is computed from its siblings. */
export interface DerivedState {
  readonly current: StoredVersion;
  readonly entry: TotalsEntry;
}

export function derive({ id, siblings }: StoredMemory): DerivedState {
  const shown = currentVersion(siblings);
  // `currentVersion` returns one of its arguments.
  const current = siblings.find((version) => version === shown) ?? (shown as StoredVersion);
  const live = current.state === 'live';
  return {
    current,
    entry: {
      live,
      trash: current.state === 'deleted',
      conflict: isConflict(siblings),
      contentHash: live ? contentHash(id, current) : null,
      siblingsHash: siblingsHash(
        id,
        siblings.map((version) => version.dot),
      ),
    },
  };
}

/** Parts of the write transaction. Its owner saves `totals` and applies `words` before the commit. */
export interface SettleContext {
  readonly connection: Connection;
  readonly totals: Totals;
  readonly words: ChangedWords;
}

/**
 * Updates everything that is computed from a memory's siblings after they changed: totals, digests, the memory's row,
 * filters, words and the ownership of vectors. Every kind of write calls it, so that no write can forget a part.
 * @param before null for a new memory
 */
export function settle(
  { connection, totals, words }: SettleContext,
  before: StoredMemory | null,
  after: StoredMemory,
): DerivedState {
  const old = before === null ? null : derive(before);
  const now = derive(after);
  if (old !== null) totals.subtract(old.entry);
  totals.add(now.entry);
  if (old?.current.state === 'purged' && now.current.state !== 'purged') forgetErasure(connection, after.num);
  if (now.current.state === 'purged' || now.current.state === 'stripped') forgetFound(connection, after.num);
  storeRow(connection, after, { state: now, sequence: totals.nextSequence() });
  settleFacets(connection, after.num, { old, now });
  if (old === null || wordKey(old) !== wordKey(now))
    words.note(after.num, old?.entry.live === true ? old.current : null);
  settleVectors(connection, before, { ...after, current: now.current, previous: old?.current ?? null });
  return now;
}

function storeRow(
  connection: Connection,
  { num, id }: StoredMemory,
  { state, sequence }: { state: DerivedState; sequence: number },
): void {
  const { current, entry } = state;
  // A hidden memory is found in the trash by its kept content.
  const { metadata } = current.state === 'purged' ? (hiddenContent(connection, num) ?? current) : current;
  upsertMemory.run(
    connection,
    num,
    id,
    sequence,
    current.state,
    entry.conflict ? 1 : 0,
    current.key,
    current.source,
    current.createdAt,
    current.updatedAt,
    entry.live ? textHash(current.text) : null,
    ...attributeValues(metadata),
  );
}

/** SHA-256 of a text; equal for texts that differ only in Unicode form or outer white space. */
export function textHash(text: string): Uint8Array {
  return hash('sha256', text.normalize('NFC').trim(), 'buffer');
}

interface Transition {
  readonly old: DerivedState | null;
  readonly now: DerivedState;
}

function settleFacets(connection: Connection, num: number, { old, now }: Transition): void {
  if (old !== null && facetKey(old) === facetKey(now)) return;
  if (old !== null) removeFacets(connection, num, { live: old.entry.live, content: old.current });
  addFacets(connection, num, { live: now.entry.live, content: now.current });
}

function facetKey({ current, entry }: DerivedState): string {
  return canonicalJson([entry.live, current.tags, current.metadata]);
}

function wordKey({ current, entry }: DerivedState): string {
  return entry.live ? canonicalJson([current.text, current.tags]) : '';
}
