import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { Facts } from '../components/facts.tsx';
import { conditionsOf, type Filter } from '../components/filter-bar.tsx';
import { Problem } from '../components/notice.tsx';
import type { Hit, SearchAnswer } from '../types.ts';
import { useLoad } from '../use-load.ts';
import { linkTo } from '../use-place.ts';
import { useUndoableDelete } from '../use-undoable-delete.ts';
import { count } from '../words.ts';

const SHOWN = 20;

interface SearchResultsProps {
  readonly query: string;
  readonly filter: Filter;
  readonly turn: number;
}

/** What was found, the best first, with the reasons. */
export function SearchResults({ query, filter, turn }: SearchResultsProps) {
  const [changes, setChanges] = useState(0);
  const body = { query, limit: SHOWN, ...conditionsOf(filter) };
  const key = JSON.stringify([body, turn, changes]);
  const { value, problem } = useLoad(key, (signal) =>
    call<SearchAnswer>('POST', '/search', { body, signal }),
  );
  const remove = useUndoableDelete();
  const reload = (): void => {
    setChanges((before) => before + 1);
  };
  return (
    <section aria-label="Found memories">
      <Problem text={problem} />
      <p class="hint" role="status">
        {value === undefined ? 'Searching…' : [`${count(value.hits.length, 'hit')}.`, value.note].join(' ')}
      </p>
      <ol class="entries">
        {value?.hits.map((hit) => (
          <li class="card" key={hit.id}>
            <a class="text" href={linkTo('memory', hit.id)}>
              {hit.text}
            </a>
            <Reasons hit={hit} />
            <div class="foot">
              <Facts tags={hit.tags} source={hit.source} at={hit.created} />
              <button
                type="button"
                class="quiet"
                onClick={() => {
                  remove(hit.id, reload);
                }}
              >
                Delete
              </button>
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Why it was found, in words. */
function Reasons({ hit }: { readonly hit: Hit }) {
  const { similarity, word_rank: wordRank, vector_rank: vectorRank, words = [] } = hit;
  return (
    <p class="reasons">
      {vectorRank === undefined || similarity === undefined ? null : (
        <span title={`number ${vectorRank} of all by meaning`}>
          <meter min={0} max={1} value={similarity} aria-label="Closeness of its meaning" />{' '}
          {Math.round(similarity * 100)} % close in meaning
        </span>
      )}
      {wordRank === undefined ? null : (
        <span title={`number ${wordRank} of all by words`}>
          has the {words.length === 1 ? 'word' : 'words'}{' '}
          {words.map((word) => (
            <mark key={word}>{word}</mark>
          ))}
        </span>
      )}
    </p>
  );
}
