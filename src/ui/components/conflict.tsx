import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { explain } from '../api-error.ts';
import { leaveEntry } from '../leave-entry.ts';
import { changesTo } from '../memory-changes.ts';
import type { MemoryWithVersions, Version } from '../types.ts';
import { differingFields, type Content } from '../version-differences.ts';
import { ConflictVersion } from './conflict-version.tsx';
import { Problem } from './notice.tsx';
import { useToast } from './toast.tsx';

interface ConflictProps {
  readonly memory: MemoryWithVersions;
  /** Counts from 1. */
  readonly number: number;
}

/** The versions of a memory in conflict, side by side, to choose from. */
export function Conflict({ memory, number }: ConflictProps) {
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

/** What is shown now first. */
function versionsOf(memory: MemoryWithVersions): readonly Side[] {
  const siblings = (memory.versions ?? []).filter(({ role }) => role === 'sibling');
  return [{ ...memory, updated: memory.updated ?? memory.created }, ...siblings];
}

/** The first version is compared with all others, each other one with the first; nothing with what is erased. */
function othersOf(index: number, versions: readonly Side[]): readonly Side[] {
  const others = index === 0 ? versions.slice(1) : versions.slice(0, 1);
  return others.filter(hasContent);
}

/** What is erased has none. */
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
