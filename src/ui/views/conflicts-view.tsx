import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { explain } from '../api-error.ts';
import { Facts } from '../components/facts.tsx';
import type { MemoryFields } from '../components/memory-form.tsx';
import { Empty, Problem } from '../components/notice.tsx';
import { useToast } from '../components/toast.tsx';
import { fieldsOf } from '../components/version-list.tsx';
import type { MemoryWithVersions, Page } from '../types.ts';
import { useLoad } from '../use-load.ts';

const SHOWN = 50;

/** Memories that two machines changed at the same time, their versions side by side. */
export function ConflictsView() {
  const { value, problem, reload } = useLoad('conflicts', async (signal) => {
    const page = await call<Page>('GET', `/memories?which=conflict&limit=${SHOWN}`, { signal });
    const ids = page.memories.map(({ id }) => id);
    return Promise.all(ids.map((id) => call<MemoryWithVersions>('GET', `/memory/${id}`, { signal })));
  });
  return (
    <>
      <h1>Conflicts</h1>
      <p class="hint">Two machines changed the same memory. Both versions are kept until you choose.</p>
      <Problem text={problem} />
      {value?.length === 0 ? <Empty>There is nothing to decide.</Empty> : null}
      {value?.map((memory) => (
        <Conflict key={memory.id} memory={memory} onSettled={reload} />
      ))}
    </>
  );
}

interface ConflictProps {
  readonly memory: MemoryWithVersions;
  readonly onSettled: () => void;
}

function Conflict({ memory, onSettled }: ConflictProps) {
  const [problem, setProblem] = useState('');
  const toast = useToast();
  const siblings = (memory.versions ?? []).filter(
    ({ role, state }) => role === 'sibling' && state === undefined,
  );
  const keep = (body: MemoryFields): void => {
    call('PATCH', `/memory/${memory.id}`, { body }).then(
      () => {
        toast({ text: 'Kept. The other version is in the history.' });
        onSettled();
      },
      (error: unknown) => {
        setProblem(explain(error));
      },
    );
  };
  const versions = [{ ...memory, updated: memory.updated ?? memory.created }, ...siblings];
  return (
    <section class="sides" aria-label="Versions of a memory">
      <Problem text={problem} />
      {versions.map((version, index) => (
        <div class="card" key={index}>
          <h2>{index === 0 ? 'Shown now' : 'The other version'}</h2>
          <p class="text whole">{version.text}</p>
          <Facts tags={version.tags} source={version.source} at={version.updated} />
          <div class="actions">
            <button
              type="button"
              class="primary"
              onClick={() => {
                keep(fieldsOf(version));
              }}
            >
              Keep this one
            </button>
          </div>
        </div>
      ))}
    </section>
  );
}
