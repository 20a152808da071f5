import { InvalidInputError, NotFoundError } from '../../errors/input-errors.ts';
import { applyPatch, type Memory, type MemoryDraft, type MemoryPatch } from '../../memory/memory.ts';
import { canonicalJson, type MemoryContent } from '../../memory/version.ts';
import { differencesOf, findTwin } from '../../memory/twin.ts';
import { hasWritten, type AddOptions, type AddOutcome, type Written } from '../memory-store.ts';
import { checkContent, checkDraft } from './check-draft.ts';
import type { Connection } from './connection.ts';
import { derive, textHash } from './derived-state.ts';
import { Query } from './query.ts';
import { readKnownMemory } from './reader.ts';
import { loadMemory, type StoredMemory } from './stored-memory.ts';
import type { StoredVersion } from './stored-version.ts';
import { VersionWriter } from './version-writer.ts';

/** More memories with one text are hardly of use, and reading them takes time. */
const MAX_TWINS = 100;
const selectByText = new Query<[textHash: Uint8Array, limit: number], { id: string }>(
  'SELECT id FROM memory WHERE text_hash = ? ORDER BY num LIMIT ?',
);
const selectOldTrash = new Query<[before: number], { id: string }>(
  `SELECT id FROM memory WHERE state = 'deleted' AND updated_at <= ? ORDER BY num`,
);
const countHistory = new Query<[num: number], { count: number }>(
  'SELECT count(*) AS count FROM version WHERE num = ? AND content_hash IS NOT NULL',
);

/** What a write transaction needs from outside the database. */
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
    const apart = twin === undefined ? {} : { twin };
    return { ...written(connection, memory), outcome: 'added', gained: [], ...apart };
  });
  if (outcomes.some(hasWritten)) writer.finish();
  return outcomes;
}

function written(connection: Connection, memory: StoredMemory): Written {
  return { memory: readKnownMemory(connection, memory.id), versionKey: derive(memory).current.key };
}

/** @throws InvalidInputError when the draft's id belongs to a memory with another text, or to one that is gone */
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
 * Lets a live memory with the same text take in the tags, source and metadata of the content.
 * @returns the memory, or the first one that cannot take them in and why; nothing when no memory has this text
 */
export function joinTwin(
  connection: Connection,
  writer: VersionWriter,
  content: MemoryContent,
):
  | { readonly memory: StoredMemory; readonly gained: readonly string[] }
  | NonNullable<AddOutcome['twin']>
  | undefined {
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
  const current = toContent(derive(memory).current);
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
  const content = checkContent('patch', { ...applyPatch(toContent(current), patch), updatedAt: now });
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
    writer.replace(memory, 'deleted', { ...toContent(derive(memory).current), updatedAt: now });
  }
  writer.finish();
  return memories.length;
}

/** @throws InvalidInputError when one has no content any more */
export function restoreMemories({ connection, now }: WriteContext, ids: readonly string[]): Memory[] {
  const memories = loadAll(connection, ids);
  for (const memory of memories) {
    const { state } = derive(memory).current;
    if (state === 'live' || state === 'deleted') continue;
    throw new InvalidInputError(
      'ids',
      `name the memory ${memory.id}, which is ${STATE_NAMES[state]}`,
      'only memories in the trash can be restored',
    );
  }
  const writer = new VersionWriter(connection, now);
  for (const memory of memories) {
    const { current } = derive(memory);
    if (current.state === 'deleted')
      writer.replace(memory, 'live', { ...toContent(current), updatedAt: now });
  }
  writer.finish();
  return memories.map(({ id }) => readKnownMemory(connection, id));
}

/** @returns how many had content */
export function purgeMemories({ connection, now }: WriteContext, ids: readonly string[]): number {
  const memories = loadAll(connection, ids).filter((memory) => derive(memory).current.state !== 'purged');
  if (memories.length === 0) return 0;
  const writer = new VersionWriter(connection, now);
  let erased = 0;
  for (const memory of memories) {
    if ((countHistory.get(connection, memory.num)?.count ?? 0) > 0) erased += 1;
    writer.purge(memory);
  }
  writer.finish({ forgetWords: true });
  return erased;
}

/** @returns how many memories lost their content */
export function stripTrash({ connection, now }: WriteContext, olderThanMs: number): number {
  const old = selectOldTrash.all(connection, now - olderThanMs);
  if (old.length === 0) return 0;
  const writer = new VersionWriter(connection, now);
  for (const { id } of old) {
    const memory = loadMemory(connection, id);
    if (memory !== undefined) writer.strip(memory);
  }
  writer.finish({ forgetWords: true });
  return old.length;
}

/** All of them, each once. @throws NotFoundError naming all that are unknown */
function loadAll(connection: Connection, ids: readonly string[]): StoredMemory[] {
  const distinct = [...new Set(ids)];
  const memories = distinct.map((id) => ({ id, memory: loadMemory(connection, id) }));
  const unknown = memories.filter(({ memory }) => memory === undefined).map(({ id }) => id);
  if (unknown.length > 0) throw new NotFoundError(unknown);
  return memories.flatMap(({ memory }) => memory ?? []);
}

export function toContent({
  text,
  tags,
  source,
  metadata,
  createdAt,
  updatedAt,
}: StoredVersion): MemoryContent {
  return { text, tags, source, metadata, createdAt, updatedAt };
}

/** What the user sees, without the times. */
export function visible({ text, tags, source, metadata }: MemoryContent): unknown {
  return { text, tags, source, metadata };
}
