import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { MemoryEntry } from '../components/memory-entry.tsx';
import { Problem } from '../components/notice.tsx';
import { Reasons } from '../components/reasons.tsx';
import { conditionsOf, type Filter } from '../filter.ts';
import type { SearchAnswer } from '../types.ts';
import { useLoad } from '../use-load.ts';
import { useReturn } from '../use-return.ts';
import { count } from '../words.ts';

/** Shown at first, and by each More. */
const STEPS = [20, 50, 100];

interface SearchResultsProps {
  readonly query: string;
  readonly filter: Filter;
}

/** What was found, the best first, with the reasons. */
export function SearchResults({ query, filter }: SearchResultsProps) {
  const [limit = 0, setLimit] = useState(STEPS[0]);
  const body = { query, limit, ...conditionsOf(filter) };
  const { value, problem, loading, reload } = useLoad(JSON.stringify(body), (signal) =>
    call<SearchAnswer>('POST', '/search', { body, signal, readsOnly: true }),
  );
  useReturn(value !== undefined);
  const more = STEPS.find((step) => step > limit);
  return (
    <section aria-label="Found memories" aria-busy={loading}>
      <Problem text={problem} onRetry={reload} />
      <p class="hint" role="status">
        {loading ? 'Searching…' : value === undefined ? '' : summary(value, limit)}
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
      {more === undefined || value === undefined || value.hits.length < limit ? null : (
        <button
          type="button"
          class="more"
          disabled={loading}
          onClick={() => {
            setLimit(more);
          }}
        >
          More
        </button>
      )}
    </section>
  );
}

function summary({ hits, note = '' }: SearchAnswer, limit: number): string {
  const amount = hits.length === limit ? `The best ${limit} hits.` : `${count(hits.length, 'hit')}.`;
  const byMeaning =
    hits.some(({ similarity }) => similarity !== undefined) && hits.every(({ words }) => words === undefined);
  return [amount, byMeaning ? 'None has these words; they are near in meaning.' : '', note].join(' ');
}
