import { useEffect, useState } from 'preact/hooks';
import { call } from '../api.ts';
import { FilterBar } from '../components/filter-bar.tsx';
import { MemoryForm } from '../components/memory-form.tsx';
import { Modal } from '../components/modal.tsx';
import { useToast } from '../components/toast.tsx';
import type { MemoryFields } from '../memory-changes.ts';
import { parametersOf, queryOf, readParameters } from '../filter.ts';
import type { AddAnswer } from '../types.ts';
import { useDelayed } from '../use-delayed.ts';
import { noteParameters } from '../use-place.ts';
import { MemoryList } from './memory-list.tsx';
import { SearchResults } from './search-results.tsx';

const TYPING_PAUSE_MS = 150;

/**
 * All memories, and search as one types.
 * @param props.parameters what is searched for, from the address
 */
export function MemoriesView({ parameters }: { readonly parameters: string }) {
  const [start] = useState(() => readParameters(parameters));
  const [typed, setTyped] = useState(start.query);
  const [filter, setFilter] = useState(start.filter);
  const [adding, setAdding] = useState(false);
  const toast = useToast();
  const query = useDelayed(typed.trim(), TYPING_PAUSE_MS);
  useEffect(() => {
    noteParameters('memories', parametersOf(query, filter));
  }, [query, filter]);
  const add = async (fields: MemoryFields): Promise<void> => {
    const answer = await call<AddAnswer>('POST', '/memory/add', { body: fields });
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
        <button
          type="button"
          class="primary"
          onClick={() => {
            setAdding(true);
          }}
        >
          Add memory
        </button>
      </div>
      <FilterBar filter={filter} onChange={setFilter} />
      {query === '' ? (
        <MemoryList query={queryOf(filter)} />
      ) : (
        <SearchResults query={query} filter={filter} />
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
    const there = 'This memory was already there.';
    return gained.length === 0 ? there : `${there} It took over: ${gained.join(', ')}.`;
  }
  const sentences = ['The memory is stored.'];
  if (masked.length > 0) sentences.push('Secrets in it were masked.');
  if (twin !== undefined) sentences.push(`Another one says the same, with other ${twin.differs.join(', ')}.`);
  else if (similar.length > 0) sentences.push('Another one says nearly the same.');
  return sentences.join(' ');
}
