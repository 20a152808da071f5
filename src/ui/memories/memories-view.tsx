import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../shared/api.ts';
import { Empty, Modal, More, Problem } from '../shared/elements.tsx';
import { conditionsOf, type Filter, parametersOf, queryOf, readParameters } from '../shared/filter.ts';
import { useDelayed, useLoad } from '../shared/load.ts';
import type { MemoryFields } from '../shared/memory-changes.ts';
import { usePages, useReturn } from '../shared/pages.ts';
import { aboutIn, statedChanges, statedIn } from '../shared/stated.ts';
import { linkTo, noteParameters } from '../shared/view-address.ts';
import { inAddress, spaceOf, useMayWrite, useTeam } from '../shared/team.tsx';
import { useToast } from '../shared/toast.tsx';
import type { AddAnswer, Hit, SearchAnswer } from '../shared/types.ts';
import { count, ordinal } from '../shared/words.ts';
import { SpaceChoice, useSearchedSpaces } from '../team/space-choice.tsx';
import { titleOf } from '../team/team-bar.tsx';
import { FilterBar } from './filter-bar.tsx';
import { MemoryEntry, SaidIn } from './memory-entry.tsx';
import { MemoryForm } from './memory-form.tsx';

const TYPING_PAUSE_MS = 150;

/**
 * The list of all memories, with a search that runs while the user types.
 * @param props.parameters query and filter from the address
 */
export function MemoriesView({ parameters }: { readonly parameters: string }) {
  const [start] = useState(() => readParameters(parameters));
  const [typed, setTyped] = useState(start.query);
  const [filter, setFilter] = useState(start.filter);
  const [adding, setAdding] = useState(false);
  const toast = useToast();
  const mayWrite = useMayWrite();
  const query = useDelayed(typed.trim(), TYPING_PAUSE_MS);
  const [spaces, setSpaces] = useSearchedSpaces(parameters);
  useEffect(() => {
    const inSpaces = spaces.length === 0 ? '' : new URLSearchParams({ in: spaces.join(',') }).toString();
    const parts = [parametersOf(query, filter), inSpaces].filter((part) => part !== '');
    noteParameters('memories', parts.join('&'));
  }, [query, filter, spaces]);
  const add = async (fields: MemoryFields): Promise<void> => {
    const { stated = statedIn(), ...same } = fields;
    const body = { ...same, ...statedChanges(statedIn(), stated) };
    const answer = await call<AddAnswer>('POST', '/memory/add', { body });
    setAdding(false);
    toast({ text: describeAdded(answer) });
  };
  const close = (): void => {
    setAdding(false);
  };
  return (
    <>
      <h1 class="hidden">Memories</h1>
      <div class="searching">
        <label class="grow">
          <span class="hidden">Search memories</span>
          <input
            type="search"
            placeholder="Search by meaning or by words"
            value={typed}
            onInput={(event) => {
              setTyped(event.currentTarget.value);
            }}
          />
        </label>
        {mayWrite ? (
          <button
            type="button"
            class="primary"
            onClick={() => {
              setAdding(true);
            }}
          >
            Add memory
          </button>
        ) : null}
      </div>
      <SpaceChoice chosen={spaces} onChange={setSpaces} />
      <FilterBar filter={filter} onChange={setFilter} />
      {query === '' ? (
        <MemoryList query={queryOf(filter)} />
      ) : (
        <SearchResults query={query} filter={filter} spaces={spaces} />
      )}
      {adding ? (
        <Modal title="Add a memory" onClose={close}>
          <MemoryForm name="new memory" onSave={add} onCancel={close} />
        </Modal>
      ) : null}
    </>
  );
}

function describeAdded({ outcome, similar = [], gained = [], twin, masked = [] }: AddAnswer): string {
  if (outcome === 'existing') {
    const there = 'This memory existed already.';
    return gained.length === 0 ? there : `${there} Added to it: ${gained.join(', ')}.`;
  }
  const sentences = ['The memory is stored.'];
  if (masked.length > 0) sentences.push('Secrets in it were masked.');
  if (twin !== undefined)
    sentences.push(`Another memory has the same text with other ${twin.differs.join(', ')}.`);
  else if (similar.length > 0) sentences.push('Another memory says nearly the same.');
  return sentences.join(' ');
}

/** Numbers of hits: at first, and after each click on More. */
const STEPS = [20, 50, 100];

interface SearchResultsProps {
  readonly query: string;
  readonly filter: Filter;
  /** Empty: the one that the page shows. */
  readonly spaces: readonly string[];
}

/** The hits, best first, with the reasons. */
function SearchResults({ query, filter, spaces }: SearchResultsProps) {
  const [limit = 0, setLimit] = useState(STEPS[0]);
  const several = spaces.length === 0 ? {} : { spaces };
  const body = { query, limit, ...conditionsOf(filter), ...several };
  const where = spaces.length === 0 ? {} : { space: '' };
  const { value, problem, loading, reload } = useLoad(JSON.stringify(body), (signal) =>
    call<SearchAnswer>('POST', '/search', { body, signal, readsOnly: true, ...where }),
  );
  useSearchAgain(value, reload);
  useReturn(value !== undefined);
  const more = STEPS.find((step) => step > limit);
  return (
    <section aria-label="Found memories" aria-busy={loading}>
      <Problem text={problem} onRetry={reload} />
      <p class="hint" role="status">
        {loading && value?.model_loading !== true
          ? 'Searching…'
          : value === undefined
            ? ''
            : summary(value, limit)}
      </p>
      <ol class="entries">
        {value?.hits.map((hit) => (
          <FoundMemory key={hit.id} hit={hit} />
        ))}
      </ol>
      {more === undefined || value === undefined || value.hits.length < limit ? null : (
        <More
          disabled={loading}
          onMore={() => {
            setLimit(more);
          }}
        />
      )}
    </section>
  );
}

function FoundMemory({ hit }: { readonly hit: Hit }) {
  const team = useTeam();
  const { id, text, tags, source, created, project, occurred_at: occurred } = hit;
  const found = team === null || hit.space === undefined ? undefined : spaceOf(team, hit.space);
  const space = team === null || found === undefined ? undefined : inAddress(team, found.id);
  return (
    <MemoryEntry {...{ id, text, tags, source, created, space }} about={{ project, occurred }}>
      {found === undefined ? null : (
        <p class="facts">
          <a class="tag" dir="auto" href={linkTo('memories', undefined, space)}>
            in {titleOf(found)}
          </a>
        </p>
      )}
      <SaidIn turn={hit} space={space} />
      <Reasons hit={hit} />
    </MemoryEntry>
  );
}

/** The server waits some seconds for the model in each search, so these are minutes. */
const SEARCHES_AGAIN = 40;
const AGAIN_AFTER_MS = 500;

/** Asks again by itself while the model loads, so that the hits by meaning appear without a click. */
function useSearchAgain(answer: SearchAnswer | undefined, search: () => void): void {
  const left = useRef(SEARCHES_AGAIN);
  useEffect(() => {
    if (answer?.model_loading !== true || left.current === 0) return undefined;
    left.current -= 1;
    const timer = setTimeout(search, AGAIN_AFTER_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [answer, search]);
}

function summary({ hits, note = '' }: SearchAnswer, limit: number): string {
  const amount = hits.length === limit ? `The best ${limit} hits.` : `${count(hits.length, 'hit')}.`;
  const byMeaning = hits.length > 0 && hits.every(({ words }) => words === undefined);
  return [amount, byMeaning ? 'No memory contains these words; they are ordered by meaning.' : '', note].join(
    ' ',
  );
}

/**
 * A list of memories, newest first, with a button for the next page.
 * @param props.query conditions, as the query of an address
 */
function MemoryList({ query }: { readonly query: string }) {
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
            ? 'There are no memories yet. Add a memory, import a file, or connect an assistant.'
            : 'No memory fits the filters.'}
        </Empty>
      )}
      <ul class="entries">
        {memories.map(({ id, text, tags, source, created, updated, conflict, metadata }) => (
          <MemoryEntry key={id} {...{ id, text, tags, source, created, updated }} about={aboutIn(metadata)}>
            <SaidIn turn={metadata} />
            {conflict === true ? <p class="warning">Two machines changed it: choose a version.</p> : null}
          </MemoryEntry>
        ))}
      </ul>
      <Problem text={problem} onRetry={reload} />
      {more === undefined ? null : <More disabled={loading} onMore={more} />}
    </section>
  );
}

/** Explains in words why a memory was found. */
function Reasons({ hit }: { readonly hit: Hit }) {
  const { similarity, word_rank: wordRank, vector_rank: vectorRank, words = [] } = hit;
  return (
    <p class="reasons">
      {vectorRank === undefined ? null : similarity === undefined ? (
        <span>{ordinal(vectorRank)} by meaning; how close is not measured</span>
      ) : (
        <span>
          <meter min={0} max={1} value={similarity} aria-label="Closeness of its meaning" />{' '}
          {Math.round(similarity * 100)} % close in meaning ({ordinal(vectorRank)} by meaning)
        </span>
      )}
      {wordRank === undefined ? null : (
        <span>
          contains the {words.length === 1 ? 'word' : 'words'}{' '}
          {words.map((word) => (
            <mark key={word}>{word}</mark>
          ))}
          ({ordinal(wordRank)} by words)
        </span>
      )}
      {hit.by_single_words === true ? <span>its single words are near to yours in meaning</span> : null}
      {hit.in_period === true ? <span>of the time that you ask about</span> : null}
      {hit.other_project === true ? <span>of another project</span> : null}
      {hit.superseded_by === undefined ? null : (
        <span>
          <a href={linkTo('memory', hit.superseded_by)}>a newer memory</a> replaces it
        </span>
      )}
      {hit.by_neighbours === true ? <span>the memories before and after it match</span> : null}
    </p>
  );
}
