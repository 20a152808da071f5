import { MemoryEntry } from '../components/memory-entry.tsx';
import { Empty, Problem } from '../components/notice.tsx';
import { usePages } from '../use-pages.ts';
import { useReturn } from '../use-return.ts';
import { count } from '../words.ts';

/**
 * Memories page by page, newest first.
 * @param props.query conditions, as the query of an address
 */
export function MemoryList({ query }: { readonly query: string }) {
  const { memories, total, loading, problem, reload, more } = usePages(query);
  useReturn(memories.length > 0);
  return (
    <section aria-label="All memories" aria-busy={loading}>
      <p class="hint" role="status">
        {total === undefined ? (loading ? 'Loading…' : '') : count(total, 'memory', 'memories')}
      </p>
      {total !== 0 ? null : (
        <Empty>
          {query === ''
            ? 'Nothing is remembered here yet. Add a memory, import a file, or connect an assistant.'
            : 'No memory meets the conditions of the filters.'}
        </Empty>
      )}
      <ul class="entries">
        {memories.map(({ id, text, tags, source, created, updated, conflict }) => (
          <MemoryEntry key={id} {...{ id, text, tags, source, created, updated }}>
            {conflict === true ? <p class="warning">Two machines changed it: choose a version.</p> : null}
          </MemoryEntry>
        ))}
      </ul>
      <Problem text={problem} onRetry={reload} />
      {more === undefined ? null : (
        <button type="button" class="more" disabled={loading} onClick={more}>
          More
        </button>
      )}
    </section>
  );
}
