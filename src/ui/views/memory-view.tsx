import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { MemoryCard } from '../components/memory-card.tsx';
import { MemoryForm } from '../components/memory-form.tsx';
import { Problem } from '../components/notice.tsx';
import { useToast } from '../components/toast.tsx';
import { VersionList } from '../components/version-list.tsx';
import { changesBetween, type MemoryChanges } from '../memory-changes.ts';
import type { MemoryWithVersions } from '../types.ts';
import { useLoad } from '../use-load.ts';
import { readVisit } from '../visit.ts';

/** One memory: its whole text, to be changed, and its history. */
export function MemoryView({ id }: { readonly id: string }) {
  const path = `/memory/${encodeURIComponent(id)}`;
  const { value, problem, loading, reload } = useLoad(path, (signal) =>
    call<MemoryWithVersions>('GET', path, { signal }),
  );
  /** As it was when somebody began to edit it. */
  const [edited, setEdited] = useState<MemoryWithVersions | null>(null);
  const toast = useToast();
  const close = (): void => {
    setEdited(null);
  };
  const save = async (changes: MemoryChanges): Promise<void> => {
    if (Object.keys(changes).length > 0) {
      await call('PATCH', path, { body: changes });
      toast({ text: 'Saved. The version before is kept below.' });
    }
    close();
  };
  return (
    <article>
      <p>
        <a href="#/memories" onClick={goBack}>
          ← Back
        </a>
      </p>
      <h1>Memory</h1>
      <Problem text={problem} onRetry={reload} />
      {value === undefined && loading ? <p class="hint">Loading…</p> : null}
      {value === undefined ? null : (
        <>
          {edited !== null ? (
            <div class="card">
              <MemoryForm
                name={`memory ${id}`}
                initial={edited}
                onSave={(fields) => save(changesBetween(edited, fields))}
                onCancel={close}
              />
            </div>
          ) : (
            <MemoryCard
              memory={value}
              onEdit={() => {
                setEdited(value);
              }}
            />
          )}
          <VersionList memory={value} onUse={save} />
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
