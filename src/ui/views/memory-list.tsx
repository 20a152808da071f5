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
  const { memories, total, problem, more } = usePages(query);
  useReturn(memories.length > 0);
  const isLoading = total === undefined && problem === '';
  return (
    <section aria-label="All memories">
      <Problem text={problem} />
      <p class="hint" role="status">
        {isLoading ? 'Loading…' : total === undefined ? '' : count(total, 'memory', 'memories')}
      </p>
      {total !== 0 ? null : (
        <Empty>
          {query === ''
            ? 'Nothing is remembered here yet.'
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
      {more === undefined ? null : (
        <button type="button" class="more" onClick={more}>
          More
        </button>
      )}
    </section>
  );
}
