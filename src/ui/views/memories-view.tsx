import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { FilterBar, type Filter, NO_FILTER, queryOf } from '../components/filter-bar.tsx';
import { MemoryForm, type MemoryFields } from '../components/memory-form.tsx';
import { Modal } from '../components/modal.tsx';
import { useToast } from '../components/toast.tsx';
import { useDelayed } from '../use-delayed.ts';
import { MemoryList } from './memory-list.tsx';
import { SearchResults } from './search-results.tsx';

const TYPING_PAUSE_MS = 150;

/** All memories, and search as one types. */
export function MemoriesView() {
  const [typed, setTyped] = useState('');
  const [filter, setFilter] = useState<Filter>(NO_FILTER);
  const [adding, setAdding] = useState(false);
  const [added, setAdded] = useState(0);
  const toast = useToast();
  const query = useDelayed(typed.trim(), TYPING_PAUSE_MS);
  const add = async (fields: MemoryFields): Promise<void> => {
    const { outcome } = await call<{ outcome: string }>('POST', '/memory/add', { body: fields });
    setAdding(false);
    setAdded(added + 1);
    toast({ text: outcome === 'existing' ? 'This memory was already there.' : 'The memory is stored.' });
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
        <MemoryList query={queryOf(filter)} turn={added} />
      ) : (
        <SearchResults query={query} filter={filter} turn={added} />
      )}
      {adding ? (
        <Modal
          title="Add a memory"
          onClose={() => {
            setAdding(false);
          }}
        >
          <MemoryForm
            onSave={add}
            onCancel={() => {
              setAdding(false);
            }}
          />
        </Modal>
      ) : null}
    </>
  );
}
