import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { Facts } from '../components/facts.tsx';
import { MemoryForm, type MemoryFields } from '../components/memory-form.tsx';
import { Problem } from '../components/notice.tsx';
import { useToast } from '../components/toast.tsx';
import { VersionList } from '../components/version-list.tsx';
import type { MemoryWithVersions } from '../types.ts';
import { useLoad } from '../use-load.ts';
import { useUndoableDelete } from '../use-undoable-delete.ts';

/** One memory: its whole text, to be changed, and its history. */
export function MemoryView({ id }: { readonly id: string }) {
  const path = `/memory/${encodeURIComponent(id)}`;
  const { value, problem, reload } = useLoad(path, (signal) =>
    call<MemoryWithVersions>('GET', path, { signal }),
  );
  const [editing, setEditing] = useState(false);
  const toast = useToast();
  const save = async (fields: Partial<MemoryFields>): Promise<void> => {
    await call('PATCH', path, { body: fields });
    setEditing(false);
    toast({ text: 'Saved. The version before is kept below.' });
    reload();
  };
  return (
    <article>
      <p>
        <a href="#/memories">← All memories</a>
      </p>
      <h1>Memory</h1>
      <Problem text={problem} />
      {value === undefined ? null : (
        <>
          {editing ? (
            <div class="card">
              <MemoryForm
                initial={value}
                onSave={save}
                onCancel={() => {
                  setEditing(false);
                }}
              />
            </div>
          ) : (
            <Shown
              memory={value}
              onEdit={() => {
                setEditing(true);
              }}
              onChanged={reload}
            />
          )}
          <VersionList versions={value.versions ?? []} onUse={save} />
        </>
      )}
    </article>
  );
}

interface ShownProps {
  readonly memory: MemoryWithVersions;
  readonly onEdit: () => void;
  readonly onChanged: () => void;
}

function Shown({ memory, onEdit, onChanged }: ShownProps) {
  const remove = useUndoableDelete();
  const toast = useToast();
  const isLive = memory.state === undefined;
  const restore = (): void => {
    void call('POST', `/memory/${memory.id}/restore`).then(() => {
      toast({ text: 'The memory is back.' });
      onChanged();
    });
  };
  return (
    <div class="card">
      {isLive ? null : <p class="warning">This memory is in the trash.</p>}
      {memory.conflict === true ? (
        <p class="warning">
          Two machines changed it. <a href="#/conflicts">Choose a version.</a>
        </p>
      ) : null}
      <p class="text whole">{memory.text}</p>
      <Facts tags={memory.tags} source={memory.source} at={memory.created} changed={memory.updated} />
      <div class="actions">
        {isLive ? (
          <>
            <button type="button" class="primary" onClick={onEdit}>
              Edit
            </button>
            <button
              type="button"
              onClick={() => {
                remove(memory.id, onChanged);
              }}
            >
              Delete
            </button>
          </>
        ) : (
          <button type="button" class="primary" onClick={restore}>
            Restore
          </button>
        )}
      </div>
    </div>
  );
}
