import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { explain } from '../api-error.ts';
import { Facts } from '../components/facts.tsx';
import { Modal } from '../components/modal.tsx';
import { Empty, Problem } from '../components/notice.tsx';
import { useToast } from '../components/toast.tsx';
import type { Memory, Page } from '../types.ts';
import { useLoad } from '../use-load.ts';

const SHOWN = 200;

/** What was deleted, until its content is erased. */
export function TrashView() {
  const { value, problem, reload } = useLoad('trash', (signal) =>
    call<Page>('GET', `/memories?which=trash&order=updated&limit=${SHOWN}`, { signal }),
  );
  const [erasing, setErasing] = useState<Memory | null>(null);
  const toast = useToast();
  const act = (path: string, done: string): void => {
    setErasing(null);
    call('POST', path).then(
      () => {
        toast({ text: done });
        reload();
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
      <Problem text={problem} />
      {value?.total === 0 ? <Empty>The trash is empty.</Empty> : null}
      <ul class="entries">
        {value?.memories.map((memory) => (
          <li class="card" key={memory.id}>
            <p class="text">{memory.text}</p>
            <div class="foot">
              <Facts tags={memory.tags} source={memory.source} at={memory.created} />
              <span class="actions">
                <button
                  type="button"
                  class="primary"
                  onClick={() => {
                    act(`/memory/${memory.id}/restore`, 'The memory is back.');
                  }}
                >
                  Restore
                </button>
                <button
                  type="button"
                  class="quiet"
                  onClick={() => {
                    setErasing(memory);
                  }}
                >
                  Erase for good
                </button>
              </span>
            </div>
          </li>
        ))}
      </ul>
      {erasing === null ? null : (
        <EraseDialog
          memory={erasing}
          onClose={() => {
            setErasing(null);
          }}
          onErase={() => {
            act(`/memory/${erasing.id}/purge`, 'The memory is erased.');
          }}
        />
      )}
    </>
  );
}

interface EraseDialogProps {
  readonly memory: Memory;
  readonly onClose: () => void;
  readonly onErase: () => void;
}

function EraseDialog({ memory, onClose, onErase }: EraseDialogProps) {
  return (
    <Modal title="Erase this memory for good?" onClose={onClose}>
      <blockquote>{memory.text}</blockquote>
      <p>
        Its text and its history are removed from this machine, and cannot be brought back from the trash.
      </p>
      <div class="actions">
        <button type="button" class="danger" onClick={onErase}>
          Erase
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </Modal>
  );
}
