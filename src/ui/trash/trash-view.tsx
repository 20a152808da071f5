import { useState } from 'preact/hooks';
import { leaveEntry } from '../memories/memory-entry.tsx';
import { call, explain } from '../shared/api.ts';
import { Empty, Modal, More, Problem, Time } from '../shared/elements.tsx';
import { usePages, useReturn } from '../shared/pages.ts';
import { linkTo } from '../shared/view-address.ts';
import { useMayWrite } from '../shared/team.tsx';
import { useToast } from '../shared/toast.tsx';
import type { Memory } from '../shared/types.ts';
import { PlainFacts } from '../shared/version-content.tsx';
import { count } from '../shared/words.ts';
import { TidyUp } from './tidy-up.tsx';

/** The deleted memories, until their content is erased. */
export function TrashView() {
  const { memories, total, loading, problem, reload, more } = usePages('which=trash&order=updated');
  const [erasing, setErasing] = useState<Memory | null>(null);
  const toast = useToast();
  const mayWrite = useMayWrite();
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
      <p class="hint">
        Deleted memories, and those that another machine erased, stay here until their content is erased,
        usually for 30 days.
      </p>
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
      {more === undefined ? null : <More onMore={more} />}
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
      {mayWrite ? <TidyUp /> : null}
    </>
  );
}

interface TrashEntryProps {
  readonly memory: Memory;
  readonly onRestore: () => void;
  readonly onErase: () => void;
}

function TrashEntry({ memory, onRestore, onErase }: TrashEntryProps) {
  const { erased_by: erasedBy, hidden, updated, created } = memory;
  const mayWrite = useMayWrite();
  return (
    <li class="card">
      <a class="text" dir="auto" href={linkTo('memory', memory.id)}>
        {memory.text}
      </a>
      <div class="foot">
        <PlainFacts of={memory}>
          {hidden === undefined ? (
            // The deletion was the last change of the memory.
            <span>
              deleted <Time at={updated ?? created} />
            </span>
          ) : (
            <span>
              erased by machine {erasedBy} <Time at={hidden} />
            </span>
          )}
        </PlainFacts>
        <span class="actions" hidden={!mayWrite}>
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

interface EraseDialogProps {
  readonly memory: Memory;
  readonly onClose: () => void;
  readonly onErase: () => void;
}

/** Asks for confirmation, because erasing cannot be undone. */
function EraseDialog({ memory, onClose, onErase }: EraseDialogProps) {
  return (
    <Modal title="Erase this memory for good?" onClose={onClose}>
      <blockquote dir="auto">{memory.text}</blockquote>
      <p>Its text and its history are removed from this machine. You cannot restore them from the trash.</p>
      <div class="actions">
        <button type="button" class="danger" onClick={onErase}>
          Erase
        </button>
        <button type="button" autofocus onClick={onClose}>
          Cancel
        </button>
      </div>
    </Modal>
  );
}
