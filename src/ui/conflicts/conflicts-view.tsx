import { useState } from 'preact/hooks';
import { leaveEntry } from '../memories/memory-entry.tsx';
import { call, explain } from '../shared/api.ts';
import { Empty, ExactTime, Problem } from '../shared/elements.tsx';
import { useLoad } from '../shared/load.ts';
import { changesTo } from '../shared/memory-changes.ts';
import { useMayWrite } from '../shared/team.tsx';
import { useToast } from '../shared/toast.tsx';
import type { MemoryWithVersions, Page, Version } from '../shared/types.ts';
import { VersionContent } from '../shared/version-content.tsx';
import { type Content, differingFields } from '../shared/version-differences.ts';

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

/** Memories that several machines changed independently, with their versions side by side. */
export function ConflictsView() {
  const { value, problem, loading, reload } = useLoad('conflicts', loadConflicts);
  return (
    <>
      <h1>Conflicts</h1>
      <p class="hint">
        Several machines changed the same memory independently. All versions are kept until you choose one.
      </p>
      <Problem text={problem} onRetry={reload} />
      {value === undefined && loading ? <p class="hint">Loading…</p> : null}
      {value?.total === 0 ? <Empty>There are no conflicts.</Empty> : null}
      {value?.memories.map((memory, index) => (
        <Conflict key={memory.id} memory={memory} number={index + 1} />
      ))}
      {value !== undefined && value.total > SHOWN ? (
        <p class="hint">
          These are {SHOWN} of {value.total.toLocaleString()} conflicts. The next ones appear after you have
          decided these.
        </p>
      ) : null}
    </>
  );
}

interface ConflictProps {
  readonly memory: MemoryWithVersions;
  /** Number of the conflict on the page, from 1. */
  readonly number: number;
}

/** The versions of one memory in conflict, with a button for each. */
function Conflict({ memory, number }: ConflictProps) {
  const [problem, setProblem] = useState('');
  const toast = useToast();
  const versions = versionsOf(memory);
  const differences = differingFields(versions.filter(hasContent));
  const keep = (version: Side): void => {
    keepVersion(memory, version).then(
      () => {
        toast({ text: doneWith(version, versions) });
      },
      (error: unknown) => {
        setProblem(explain(error));
      },
    );
  };
  return (
    <section aria-label={`Versions of a memory, conflict ${number}`}>
      <Problem text={problem} />
      {differences.length === 0 ? null : <p class="hint">Different: {differences.join(', ')}</p>}
      <div class="sides">
        {versions.map((version, index) => (
          <ConflictVersion
            key={index}
            title={titleOf(index, versions.length)}
            version={version}
            others={othersOf(index, versions)}
            onKeep={(button) => {
              leaveEntry(button);
              keep(version);
            }}
          />
        ))}
      </div>
    </section>
  );
}

type Side = Content & Pick<Version, 'updated' | 'state'>;

/** All versions; the one that is shown at present comes first. */
function versionsOf(memory: MemoryWithVersions): readonly Side[] {
  const siblings = (memory.versions ?? []).filter(({ role }) => role === 'sibling');
  return [{ ...memory, updated: memory.updated ?? memory.created }, ...siblings];
}

/** The versions to compare with: all others for the first version, the first for each other one. Never erased ones. */
function othersOf(index: number, versions: readonly Side[]): readonly Side[] {
  const others = index === 0 ? versions.slice(1) : versions.slice(0, 1);
  return others.filter(hasContent);
}

/** False for an erased version. */
function hasContent({ text }: Side): boolean {
  return text !== '';
}

function titleOf(index: number, count: number): string {
  if (index === 0) return 'Shown now';
  return count === 2 ? 'The other version' : `Other version ${index}`;
}

async function keepVersion(memory: MemoryWithVersions, version: Side): Promise<void> {
  const path = `/memory/${encodeURIComponent(memory.id)}`;
  if (version.state !== undefined) await call('DELETE', path);
  else await call('PATCH', path, { body: changesTo(version, memory) });
}

function doneWith(kept: Side, versions: readonly Side[]): string {
  if (kept.state !== undefined) return 'The memory is in the trash.';
  const left = versions.filter((version) => version !== kept && version.state === undefined);
  if (left.length === 0) return 'Kept.';
  return `Kept. The other ${left.length === 1 ? 'version is' : 'versions are'} in the history.`;
}

interface ConflictVersionProps {
  readonly title: string;
  readonly version: Content & Pick<Version, 'updated' | 'state'>;
  /** Versions to compare with. Differences are marked. */
  readonly others: readonly Content[];
  readonly onKeep: (button: Element) => void;
}

/** One version with its button. The button comes before the text, which may be long. */
function ConflictVersion({ title, version, others, onKeep }: ConflictVersionProps) {
  const { state, updated } = version;
  const isDeleted = state !== undefined;
  const mayWrite = useMayWrite();
  const time = (
    <span>
      {isDeleted ? 'deleted' : 'changed'} <ExactTime at={updated} />
    </span>
  );
  return (
    <div class="card">
      <div class="head">
        <h2>{title}</h2>
        <button
          type="button"
          class="primary"
          hidden={!mayWrite}
          onClick={(event) => {
            onKeep(event.currentTarget);
          }}
        >
          {isDeleted ? 'Keep it deleted' : 'Keep this one'}
        </button>
      </div>
      {isDeleted ? <p class="warning">{wordFor(state)}</p> : null}
      {version.text === '' ? (
        <p class="facts">{time}</p>
      ) : (
        <VersionContent content={version} others={others}>
          {time}
        </VersionContent>
      )}
    </div>
  );
}

function wordFor(state: string): string {
  return state === 'purged' ? 'Erased for good' : 'Deleted';
}
