import { call } from '../api.ts';
import { explain } from '../api-error.ts';
import type { Memory } from '../types.ts';
import { useUndoableDelete } from '../use-undoable-delete.ts';
import { Facts } from './facts.tsx';
import { Metadata } from './metadata.tsx';
import { Time } from './time.tsx';
import { useToast } from './toast.tsx';

interface MemoryCardProps {
  readonly memory: Memory;
  readonly onEdit: () => void;
}

/** A whole memory, with what one can do with it. */
export function MemoryCard({ memory, onEdit }: MemoryCardProps) {
  const { state, conflict, text, tags, source, metadata, created, updated } = memory;
  const isErased = state === 'stripped' || state === 'purged';
  return (
    <div class="card">
      {state === 'deleted' ? (
        <p class="warning">
          This memory was put into the trash <Time at={updated ?? created} />.
        </p>
      ) : null}
      {isErased ? <p class="warning">This memory was erased for good.</p> : null}
      {conflict === true ? (
        <p class="warning">
          Two machines changed it. <a href="#/conflicts">Choose a version.</a>
        </p>
      ) : null}
      <p class="text whole" dir="auto">
        {text}
      </p>
      <Facts tags={tags} source={source} at={created} changed={state === undefined ? updated : undefined} />
      <Metadata metadata={metadata} />
      {isErased ? null : <Actions memory={memory} onEdit={onEdit} />}
    </div>
  );
}

function Actions({ memory: { id, state }, onEdit }: MemoryCardProps) {
  const remove = useUndoableDelete();
  const toast = useToast();
  const restore = (): void => {
    call('POST', `/memory/${encodeURIComponent(id)}/restore`).then(
      () => {
        toast({ text: 'The memory is back.' });
      },
      (error: unknown) => {
        toast({ text: explain(error) });
      },
    );
  };
  if (state === 'deleted') {
    return (
      <div class="actions">
        <button type="button" class="primary" onClick={restore}>
          Restore
        </button>
      </div>
    );
  }
  return (
    <div class="actions within-reach">
      <button type="button" class="primary" onClick={onEdit}>
        Edit
      </button>
      <button
        type="button"
        onClick={() => {
          remove(id);
        }}
      >
        Delete
      </button>
    </div>
  );
}
