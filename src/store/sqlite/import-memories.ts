import type { MemoryDraft } from '../../memory/memory.ts';
import { canonicalJson } from '../../memory/version.ts';
import { hasWritten, type ImportedDraft, type ImportOptions } from '../memory-store.ts';
import { checkDraft } from './check-draft.ts';
import { derive } from './derived-state.ts';
import { loadMemory, type StoredMemory } from './stored-memory.ts';
import { VersionWriter } from './version-writer.ts';
import { joinTwin, visible, type WriteContext } from './writes.ts';

/** Takes memories with the ids and times they had elsewhere, in one transaction; overwrites nothing unasked. */
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
    const twin = draft.id === undefined ? joinTwin(connection, writer, content) : undefined;
    if (twin !== undefined && 'gained' in twin)
      return { id: twin.memory.id, outcome: 'existing', gained: twin.gained };
    return { id: writer.create(draft.id ?? options.newId(), content).id, outcome: 'added' };
  });
  if (outcomes.some(hasWritten)) writer.finish();
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
