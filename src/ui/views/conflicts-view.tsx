import { call } from '../api.ts';
import { Conflict } from '../components/conflict.tsx';
import { Empty, Problem } from '../components/notice.tsx';
import type { MemoryWithVersions, Page } from '../types.ts';
import { useLoad } from '../use-load.ts';

const SHOWN = 20;

interface Conflicts {
  readonly memories: readonly MemoryWithVersions[];
  readonly total: number;
}

async function loadConflicts(signal: AbortSignal): Promise<Conflicts> {
  const page = await call<Page>('GET', `/memories?which=conflict&limit=${SHOWN}`, { signal });
  const paths = page.memories.map(({ id }) => `/memory/${encodeURIComponent(id)}`);
  const memories = await Promise.all(paths.map((path) => call<MemoryWithVersions>('GET', path, { signal })));
  return { memories, total: page.total };
}

/** Memories that machines changed without knowing of each other, their versions side by side. */
export function ConflictsView() {
  const { value, problem, loading, reload } = useLoad('conflicts', loadConflicts);
  return (
    <>
      <h1>Conflicts</h1>
      <p class="hint">
        Machines changed the same memory without knowing of each other. All versions are kept until you choose
        one.
      </p>
      <Problem text={problem} onRetry={reload} />
      {value === undefined && loading ? <p class="hint">Loading…</p> : null}
      {value?.total === 0 ? <Empty>There is nothing to decide.</Empty> : null}
      {value?.memories.map((memory, index) => (
        <Conflict key={memory.id} memory={memory} number={index + 1} />
      ))}
      {value !== undefined && value.total > SHOWN ? (
        <p class="hint">
          These are {SHOWN} of {value.total.toLocaleString()}; the next ones appear when these are decided.
        </p>
      ) : null}
    </>
  );
}
