import { InvalidInputError } from '../../errors/invalid-input-error.ts';
import { NotFoundError } from '../../errors/not-found-error.ts';
import type { Memory, MemoryDraft, MemoryPatch } from '../../memory/memory.ts';
import { applyPatch } from '../../memory/patch.ts';
import { canonicalJson, type MemoryContent } from '../../memory/version.ts';
import type { AddOptions, AddOutcome } from '../memory-store.ts';
import { checkContent, checkDraft } from './check-draft.ts';
import type { Connection } from './connection.ts';
import { derive, textHash } from './derived-state.ts';
import { Query } from './query.ts';
import { readKnownMemory } from './reader.ts';
import { loadMemory, type StoredMemory } from './stored-memory.ts';
import type { StoredVersion } from './stored-version.ts';
import { VersionWriter } from './version-writer.ts';

export const selectByText = new Query<[textHash: Uint8Array], { id: string }>(
  'SELECT id FROM memory WHERE text_hash = ? ORDER BY num LIMIT 1',
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
    const existing = findExisting(connection, draft, { field, byText: options.allowDuplicates !== true });
    if (existing !== undefined) return { memory: existing, outcome: 'existing' };
    const { id } = writer.create(draft.id ?? options.newId(), content);
    return { memory: readKnownMemory(connection, id), outcome: 'added' };
  });
  if (outcomes.some(({ outcome }) => outcome === 'added')) writer.finish();
  return outcomes;
}

/** @throws InvalidInputError when the draft's id belongs to a memory with another text, or to one that is gone */
function findExisting(
  connection: Connection,
  draft: MemoryDraft,
  { field, byText }: { readonly field: string; readonly byText: boolean },
): Memory | undefined {
  if (draft.id !== undefined) {
    const known = loadMemory(connection, draft.id);
    const current = known === undefined ? undefined : derive(known).current;
    if (current?.state === 'live' && current.text === draft.text)
      return readKnownMemory(connection, draft.id);
    if (current !== undefined) {
      throw new InvalidInputError(
        `${field}.id`,
        `is ${draft.id}, which is taken`,
        'update or restore that memory instead',
      );
    }
  }
  return byText ? (findByText(connection, draft.text) ?? undefined) : undefined;
}

export function findByText(connection: Connection, text: string): Memory | null {
  const twin = selectByText.get(connection, textHash(text));
  return twin === undefined ? null : readKnownMemory(connection, twin.id);
}

export function updateMemory({ connection, now }: WriteContext, id: string, patch: MemoryPatch): Memory {
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
    writer.replace(memory, 'live', content);
    writer.finish();
  }
  return readKnownMemory(connection, id);
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
