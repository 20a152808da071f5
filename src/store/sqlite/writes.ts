import { InvalidInputError, NotFoundError } from '../../errors/input-errors.ts';
import { attributesOf } from '../../memory/attributes.ts';
import { applyPatch, type Memory, type MemoryDraft, type MemoryPatch } from '../../memory/memory.ts';
import { differencesOf, findTwin } from '../../memory/twin.ts';
import { canonicalJson, compareText, contentOf, type MemoryContent } from '../../memory/version.ts';
import { isUuid } from '../../util/uuid.ts';
import {
  type AddOptions,
  type AddOutcome,
  hasWritten,
  type ImportedDraft,
  type ImportOptions,
  type Written,
} from '../memory-store.ts';
import { type Connection, Query } from './connection.ts';
import { derive, textHash } from './derived-state.ts';
import { leasePending } from './embeddings.ts';
import { confirmErasure, hiddenContent } from './hidden.ts';
import { loadMemory, readKnownMemory, type StoredMemory, type StoredVersion } from './rows.ts';
import { VersionWriter } from './version-writer.ts';

/** Limit on compared memories with the same text, because reading them takes time. */
const MAX_TWINS = 100;
const selectByText = new Query<[textHash: Uint8Array, limit: number], { id: string }>(
  `SELECT id FROM memory WHERE text_hash = ? AND kind = 'fact' ORDER BY num LIMIT ?`,
);
/**
 * A deletion counts from when it was made; where it came from another machine and replaced a version here, from when
 * it arrived.
 */
const selectOldTrash = new Query<[before: number, before: number, limit: number], { id: string }>(
  `SELECT m.id FROM memory m WHERE m.state = 'deleted' AND m.updated_at <= ? AND NOT EXISTS
     (SELECT 1 FROM version v WHERE v.num = m.num AND v.sibling = 0 AND v.replaced_at > ?)
   ORDER BY m.updated_at LIMIT ?`,
);
/** Of one transaction, so that others wait for it only shortly. */
const TRASH_STEP = 200;
const countHistory = new Query<[num: number], { count: number }>(
  'SELECT count(*) AS count FROM version WHERE num = ? AND content_hash IS NOT NULL',
);

/** A write transaction and its time. */
export interface WriteContext {
  readonly connection: Connection;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export function addMemories(
  { connection, now }: WriteContext,
  drafts: readonly MemoryDraft[],
  options: AddOptions & { readonly newId: () => string },
): AddOutcome[] {
  const writer = new VersionWriter(connection, now);
  const outcomes = drafts.map((draft, index): AddOutcome => {
    const field = `drafts[${index}]`;
    const content = checkDraft(field, draft, now);
    const known = findById(connection, draft, field);
    if (known !== undefined) return { ...written(connection, known), outcome: 'existing', gained: [] };
    const twin = options.allowDuplicates === true ? undefined : joinTwin(connection, writer, content);
    if (twin !== undefined && 'gained' in twin) {
      return { ...written(connection, twin.memory), outcome: 'existing', gained: twin.gained };
    }
    const memory = writer.create(draft.id ?? options.newId(), content);
    if (options.leaseMs !== undefined) leasePending(connection, memory.num, now + options.leaseMs);
    const apart = twin === undefined ? {} : { twin };
    return { ...written(connection, memory), outcome: 'added', gained: [], ...apart };
  });
  if (outcomes.some(hasWritten)) writer.finish();
  return outcomes;
}

function written(connection: Connection, memory: StoredMemory): Written {
  return { memory: readKnownMemory(connection, memory.id), versionKey: derive(memory).current.key };
}

/** @throws InvalidInputError when the draft's id belongs to a memory with another text or to one that is not live */
function findById(connection: Connection, draft: MemoryDraft, field: string): StoredMemory | undefined {
  const known = draft.id === undefined ? undefined : loadMemory(connection, draft.id);
  if (known === undefined) return undefined;
  const { current } = derive(known);
  if (current.state === 'live' && current.text === draft.text) return known;
  throw new InvalidInputError(
    `${field}.id`,
    `is ${known.id}, which is taken`,
    'update or restore that memory instead',
  );
}

/**
 * Adds the tags, source and metadata of the content to a live fact with the same text. Parts of conversations join
 * nothing: the same words are said more than once.
 * @returns that memory; when none can take them in, the first one and the fields that differ; undefined when no live
 * memory has this text
 */
function joinTwin(
  connection: Connection,
  writer: VersionWriter,
  content: MemoryContent,
):
  | { readonly memory: StoredMemory; readonly gained: readonly string[] }
  | NonNullable<AddOutcome['twin']>
  | undefined {
  if (attributesOf(content.metadata).kind === 'conversation') return undefined;
  const twins = selectByText
    .all(connection, textHash(content.text), MAX_TWINS)
    .map(({ id }) => readKnownMemory(connection, id));
  const found = findTwin(twins, content);
  if (found === undefined) return twins[0] && { id: twins[0].id, differs: differencesOf(twins[0], content) };
  const { id } = found.memory;
  const memory = loadMemory(connection, id);
  if (memory === undefined) throw new NotFoundError([id]);
  const { patch, gained } = found.plan;
  if (gained.length === 0) return { memory, gained };
  const current = contentOf(derive(memory).current);
  const updatedAt = Math.max(current.updatedAt, content.updatedAt);
  const joined = { ...applyPatch(current, patch), updatedAt };
  return { memory: writer.replace(memory, 'live', checkContent('draft', joined)), gained };
}

export function findByText(connection: Connection, text: string): Memory | null {
  const twin = selectByText.get(connection, textHash(text), 1);
  return twin === undefined ? null : readKnownMemory(connection, twin.id);
}

export function updateMemory({ connection, now }: WriteContext, id: string, patch: MemoryPatch): Written {
  const memory = loadMemory(connection, id);
  if (memory === undefined) throw new NotFoundError([id]);
  const { current } = derive(memory);
  if (current.state !== 'live') {
    throw new InvalidInputError(
      'id',
      `names the memory ${id}, which is ${STATE_NAMES[current.state]}`,
      current.state === 'deleted' ? 'restore it first, or choose a live memory' : 'choose a live memory',
    );
  }
  const content = checkContent('patch', { ...applyPatch(contentOf(current), patch), updatedAt: now });
  const changes = canonicalJson(visible(content)) !== canonicalJson(visible(current));
  if (changes || memory.siblings.length > 1) {
    const writer = new VersionWriter(connection, now);
    const replaced = writer.replace(memory, 'live', content);
    writer.finish();
    return written(connection, replaced);
  }
  return written(connection, memory);
}

const STATE_NAMES: Readonly<Record<StoredVersion['state'], string>> = {
  live: 'live',
  deleted: 'in the trash',
  stripped: 'deleted, with its content gone',
  purged: 'erased',
};

/** @returns how many moved to the trash */
export function deleteMemories({ connection, now }: WriteContext, ids: readonly string[]): number {
  const memories = loadAll(connection, ids).filter((memory) => derive(memory).current.state === 'live');
  if (memories.length === 0) return 0;
  const writer = new VersionWriter(connection, now);
  for (const memory of memories) {
    writer.replace(memory, 'deleted', { ...contentOf(derive(memory).current), updatedAt: now });
  }
  writer.finish();
  return memories.length;
}

/** @throws InvalidInputError when the content of a memory is gone; nothing is restored then */
export function restoreMemories({ connection, now }: WriteContext, ids: readonly string[]): Memory[] {
  const memories = loadAll(connection, ids);
  for (const memory of memories) {
    const { state } = derive(memory).current;
    if (state === 'live' || state === 'deleted' || hiddenContent(connection, memory.num) !== null) continue;
    throw new InvalidInputError(
      'ids',
      `name the memory ${memory.id}, which is ${STATE_NAMES[state]}`,
      'only memories in the trash can be restored',
    );
  }
  const writer = new VersionWriter(connection, now);
  for (const memory of memories) {
    const { current } = derive(memory);
    const content = current.state === 'deleted' ? current : hiddenContent(connection, memory.num);
    if (content !== null) writer.replace(memory, 'live', { ...contentOf(content), updatedAt: now });
  }
  writer.finish();
  return memories.map(({ id }) => readKnownMemory(connection, id));
}

/**
 * A memory that another machine erased already only loses the content that is kept here, which needs no new version.
 * @returns how many had content
 */
export function purgeMemories({ connection, now }: WriteContext, ids: readonly string[]): number {
  const memories: StoredMemory[] = [];
  let erased = 0;
  for (const memory of loadAll(connection, ids)) {
    if (derive(memory).current.state !== 'purged') memories.push(memory);
    else if (confirmErasure(connection, memory.num)) erased += 1;
  }
  if (memories.length === 0) return erased;
  const writer = new VersionWriter(connection, now);
  for (const memory of memories) {
    if ((countHistory.get(connection, memory.num)?.count ?? 0) > 0) erased += 1;
    writer.purge(memory);
  }
  writer.finish();
  return erased;
}

export function hasOldTrash({ connection, now }: WriteContext, olderThanMs: number): boolean {
  const before = now - olderThanMs;
  return selectOldTrash.get(connection, before, before, 1) !== undefined;
}

/** One step of emptying the trash. @returns how many memories lost their content, and whether there are more */
export function expireTrash(
  { connection, now }: WriteContext,
  olderThanMs: number,
): { readonly count: number; readonly more: boolean } {
  const before = now - olderThanMs;
  const old = selectOldTrash.all(connection, before, before, TRASH_STEP + 1);
  const step = old.slice(0, TRASH_STEP);
  const more = old.length > step.length;
  if (step.length === 0) return { count: 0, more };
  const writer = new VersionWriter(connection, now);
  for (const { id } of step) {
    const memory = loadMemory(connection, id);
    if (memory !== undefined) writer.strip(memory);
  }
  writer.finish();
  return { count: step.length, more };
}

/** Loads each memory once. @throws NotFoundError naming all unknown ids */
function loadAll(connection: Connection, ids: readonly string[]): StoredMemory[] {
  const distinct = [...new Set(ids)];
  const memories = distinct.map((id) => ({ id, memory: loadMemory(connection, id) }));
  const unknown = memories.filter(({ memory }) => memory === undefined).map(({ id }) => id);
  if (unknown.length > 0) throw new NotFoundError(unknown);
  return memories.flatMap(({ memory }) => memory ?? []);
}

/** The visible content, without the times. */
function visible({ text, tags, source, metadata }: MemoryContent): unknown {
  return { text, tags, source, metadata };
}

/** Imports memories with their ids and times; changes a known memory only with `overwrite`. */
export function importMemories(
  { connection, now }: WriteContext,
  drafts: readonly MemoryDraft[],
  options: ImportOptions & { readonly newId: () => string },
): ImportedDraft[] {
  const writer = new VersionWriter(connection, now);
  const outcomes = drafts.map((draft, index): ImportedDraft => {
    const content = checkDraft(`drafts[${index}]`, draft, now);
    const known = draft.id === undefined ? undefined : loadMemory(connection, draft.id);
    if (known !== undefined)
      return importKnown(writer, known, { content, overwrite: options.overwrite === true });
    const joins = draft.id === undefined || options.joinSameText === true;
    const twin = joins ? joinTwin(connection, writer, content) : undefined;
    if (twin !== undefined && 'gained' in twin)
      return { id: twin.memory.id, outcome: 'existing', gained: twin.gained };
    return { id: writer.create(draft.id ?? options.newId(), content).id, outcome: 'added' };
  });
  if (options.dryRun === true) connection.takeBack();
  else if (outcomes.some(hasWritten)) writer.finish();
  return outcomes;
}

function importKnown(
  writer: VersionWriter,
  known: StoredMemory,
  { content, overwrite }: { content: ReturnType<typeof checkDraft>; overwrite: boolean },
): ImportedDraft {
  const { id } = known;
  const { current } = derive(known);
  if (current.state === 'purged') return { id, outcome: 'conflict', reason: 'purged' };
  const live = current.state === 'live';
  if (live && canonicalJson(visible(current)) === canonicalJson(visible(content)))
    return { id, outcome: 'existing', gained: [] };
  if (!overwrite) return { id, outcome: 'conflict', reason: live ? 'different' : 'deleted' };
  writer.replace(known, 'live', content);
  return { id, outcome: 'updated' };
}

/** @returns the content with sorted, distinct tags. @throws InvalidInputError for texts and times that cannot be stored */
function checkContent(field: string, content: MemoryContent): MemoryContent {
  const { text, tags, source, metadata, createdAt, updatedAt } = content;
  checkText(`${field}.text`, text);
  for (const tag of tags) checkText(`${field}.tags`, tag);
  checkText(`${field}.source`, source);
  checkTime(`${field}.createdAt`, createdAt);
  checkTime(`${field}.updatedAt`, updatedAt);
  return { text, tags: [...new Set(tags)].sort(compareText), source, metadata, createdAt, updatedAt };
}

/** @throws InvalidInputError */
function checkDraft(field: string, draft: MemoryDraft, now: number): MemoryContent {
  if (draft.id !== undefined && !isUuid(draft.id)) {
    throw new InvalidInputError(
      `${field}.id`,
      `is ${JSON.stringify(draft.id)}`,
      'allowed is a UUID in lower case',
    );
  }
  const createdAt = draft.createdAt ?? now;
  const { text, tags, source, metadata, updatedAt = createdAt } = draft;
  return checkContent(field, { text, tags, source, metadata, createdAt, updatedAt });
}

/** Refuses NUL, at which SQLite would cut the text silently, and lone surrogates, which it would replace. */
function checkText(field: string, text: string): void {
  if (text.includes('\0') || !text.isWellFormed()) {
    throw new InvalidInputError(
      field,
      'has a NUL character or a lone surrogate',
      'allowed is valid Unicode text without NUL',
    );
  }
}

function checkTime(field: string, time: number): void {
  if (!Number.isSafeInteger(time)) {
    throw new InvalidInputError(field, `is ${time}`, 'allowed are whole milliseconds since the epoch');
  }
}
