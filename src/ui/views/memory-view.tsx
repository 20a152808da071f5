import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { MemoryCard } from '../components/memory-card.tsx';
import { MemoryForm, type MemoryFields } from '../components/memory-form.tsx';
import { Problem } from '../components/notice.tsx';
import { useToast } from '../components/toast.tsx';
import { VersionList } from '../components/version-list.tsx';
import type { MemoryWithVersions } from '../types.ts';
import { useLoad } from '../use-load.ts';
import { readVisit } from '../visit.ts';

/** One memory: its whole text, to be changed, and its history. */
export function MemoryView({ id }: { readonly id: string }) {
  const path = `/memory/${encodeURIComponent(id)}`;
  const { value, problem } = useLoad(path, (signal) => call<MemoryWithVersions>('GET', path, { signal }));
  const [editing, setEditing] = useState(false);
  const toast = useToast();
  const save = async (fields: MemoryFields): Promise<void> => {
    await call('PATCH', path, { body: fields });
    setEditing(false);
    toast({ text: 'Saved. The version before is kept below.' });
  };
  return (
    <article>
      <p>
        <a href="#/memories" onClick={goBack}>
          ← Back
        </a>
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
            <MemoryCard
              memory={value}
              onEdit={() => {
                setEditing(true);
              }}
            />
          )}
          <VersionList versions={value.versions ?? []} onUse={save} />
        </>
      )}
    </article>
  );
}

/** To where one came from, with what was searched for there. */
function goBack(event: Event): void {
  if (readVisit().inside !== true) return;
  event.preventDefault();
  history.back();
}
