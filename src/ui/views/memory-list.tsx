import { useEffect, useState } from 'preact/hooks';
import { call } from '../api.ts';
import { explain, isAbort } from '../api-error.ts';
import { Facts } from '../components/facts.tsx';
import { Empty, Problem } from '../components/notice.tsx';
import type { Memory, Page } from '../types.ts';
import { linkTo } from '../use-place.ts';
import { useUndoableDelete } from '../use-undoable-delete.ts';
import { count } from '../words.ts';

const PAGE = 50;

interface MemoryListProps {
  /** Conditions, as the query of an address. */
  readonly query: string;
  /** Another number loads it again. */
  readonly turn: number;
}

/** Memories page by page, newest first. */
export function MemoryList({ query, turn }: MemoryListProps) {
  const [memories, setMemories] = useState<readonly Memory[]>([]);
  const [page, setPage] = useState<Page | null>(null);
  const [problem, setProblem] = useState('');
  const [changes, setChanges] = useState(0);
  const remove = useUndoableDelete();
  const load = (cursor: string | undefined, signal?: AbortSignal): void => {
    const next = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    call<Page>('GET', `/memories?limit=${PAGE}&${query}${next}`, { signal }).then(
      (loaded) => {
        setPage(loaded);
        setProblem('');
        setMemories((before) => (cursor === undefined ? loaded.memories : [...before, ...loaded.memories]));
      },
      (error: unknown) => {
        if (!isAbort(error)) setProblem(explain(error));
      },
    );
  };
  useEffect(() => {
    const controller = new AbortController();
    load(undefined, controller.signal);
    return () => {
      controller.abort();
    };
  }, [query, turn, changes]);
  const reload = (): void => {
    setChanges((before) => before + 1);
  };
  return (
    <section aria-label="All memories">
      <Problem text={problem} />
      <p class="hint" role="status">
        {page === null ? 'Loading…' : count(page.total, 'memory', 'memories')}
      </p>
      {page?.total === 0 ? <Empty>Nothing is remembered here yet.</Empty> : null}
      <ul class="entries">
        {memories.map((memory) => (
          <MemoryEntry
            key={memory.id}
            memory={memory}
            onDelete={() => {
              remove(memory.id, reload);
            }}
          />
        ))}
      </ul>
      {page?.next_cursor === undefined ? null : (
        <button
          type="button"
          onClick={() => {
            load(page.next_cursor);
          }}
        >
          More
        </button>
      )}
    </section>
  );
}

function MemoryEntry({ memory, onDelete }: { readonly memory: Memory; readonly onDelete: () => void }) {
  const { id, text, tags, source, created, updated, conflict } = memory;
  return (
    <li class="card">
      <a class="text" href={linkTo('memory', id)}>
        {text}
      </a>
      {conflict === true ? <p class="warning">Two machines changed it: choose a version.</p> : null}
      <div class="foot">
        <Facts tags={tags} source={source} at={created} changed={updated} />
        <button type="button" class="quiet" onClick={onDelete}>
          Delete
        </button>
      </div>
    </li>
  );
}
