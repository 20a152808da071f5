import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { explain } from '../api-error.ts';
import { EraseDialog } from '../components/erase-dialog.tsx';
import { Empty, Problem } from '../components/notice.tsx';
import { PlainFacts } from '../components/plain-facts.tsx';
import { Time } from '../components/time.tsx';
import { useToast } from '../components/toast.tsx';
import { leaveEntry } from '../leave-entry.ts';
import type { Memory } from '../types.ts';
import { usePages } from '../use-pages.ts';
import { linkTo } from '../use-place.ts';
import { useReturn } from '../use-return.ts';
import { count } from '../words.ts';

/** What was deleted, until its content is erased. */
export function TrashView() {
  const { memories, total, loading, problem, reload, more } = usePages('which=trash&order=updated');
  const [erasing, setErasing] = useState<Memory | null>(null);
  const toast = useToast();
  useReturn(memories.length > 0);
  const act = (id: string, action: 'restore' | 'purge', done: string): void => {
    setErasing(null);
    call('POST', `/memory/${encodeURIComponent(id)}/${action}`).then(
      () => {
        toast({ text: done });
      },
      (error: unknown) => {
        toast({ text: explain(error) });
      },
    );
  };
  return (
    <>
      <h1>Trash</h1>
      <p class="hint">Deleted memories stay here until they are erased, usually for 30 days.</p>
      <Problem text={problem} onRetry={reload} />
      <p class="hint" role="status">
        {total === undefined
          ? loading
            ? 'Loading…'
            : ''
          : total === 0
            ? ''
            : count(total, 'deleted memory', 'deleted memories')}
      </p>
      {total === 0 ? <Empty>The trash is empty.</Empty> : null}
      <ul class="entries">
        {memories.map((memory) => (
          <TrashEntry
            key={memory.id}
            memory={memory}
            onRestore={() => {
              act(memory.id, 'restore', 'The memory is back.');
            }}
            onErase={() => {
              setErasing(memory);
            }}
          />
        ))}
      </ul>
      {more === undefined ? null : (
        <button type="button" class="more" onClick={more}>
          More
        </button>
      )}
      {erasing === null ? null : (
        <EraseDialog
          memory={erasing}
          onClose={() => {
            setErasing(null);
          }}
          onErase={() => {
            act(erasing.id, 'purge', 'The memory is erased.');
          }}
        />
      )}
    </>
  );
}

interface TrashEntryProps {
  readonly memory: Memory;
  readonly onRestore: () => void;
  readonly onErase: () => void;
}

function TrashEntry({ memory, onRestore, onErase }: TrashEntryProps) {
  // The deletion was its last change.
  const deleted = memory.updated ?? memory.created;
  return (
    <li class="card">
      <a class="text" dir="auto" href={linkTo('memory', memory.id)}>
        {memory.text}
      </a>
      <div class="foot">
        <PlainFacts of={memory}>
          <span>
            deleted <Time at={deleted} />
          </span>
        </PlainFacts>
        <span class="actions">
          <button
            type="button"
            class="primary"
            onClick={(event) => {
              leaveEntry(event.currentTarget);
              onRestore();
            }}
          >
            Restore
          </button>
          <button type="button" class="quiet" onClick={onErase}>
            Erase for good
          </button>
        </span>
      </div>
    </li>
  );
}
