import { call } from '../api.ts';
import { MemoryEntry } from '../components/memory-entry.tsx';
import { Problem } from '../components/notice.tsx';
import { Reasons } from '../components/reasons.tsx';
import { conditionsOf, type Filter } from '../filter.ts';
import type { SearchAnswer } from '../types.ts';
import { useLoad } from '../use-load.ts';
import { useReturn } from '../use-return.ts';
import { count } from '../words.ts';

const SHOWN = 20;

interface SearchResultsProps {
  readonly query: string;
  readonly filter: Filter;
}

/** What was found, the best first, with the reasons. */
export function SearchResults({ query, filter }: SearchResultsProps) {
  const body = { query, limit: SHOWN, ...conditionsOf(filter) };
  const { value, problem, loading } = useLoad(JSON.stringify(body), (signal) =>
    call<SearchAnswer>('POST', '/search', { body, signal, readsOnly: true }),
  );
  useReturn(value !== undefined);
  return (
    <section aria-label="Found memories" aria-busy={loading}>
      <Problem text={problem} />
      <p class="hint" role="status">
        {value === undefined
          ? loading
            ? 'Searching…'
            : ''
          : [summary(value.hits.length), value.note].join(' ')}
      </p>
      <ol class="entries">
        {value?.hits.map((hit) => {
          const { id, text, tags, source, created } = hit;
          return (
            <MemoryEntry key={id} {...{ id, text, tags, source, created }}>
              <Reasons hit={hit} />
            </MemoryEntry>
          );
        })}
      </ol>
    </section>
  );
}

function summary(hits: number): string {
  return hits === SHOWN ? `The best ${SHOWN} hits.` : `${count(hits, 'hit')}.`;
}
