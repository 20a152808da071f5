import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { explain } from '../api-error.ts';
import { changesTo } from '../memory-changes.ts';
import type { MemoryWithVersions, Version } from '../types.ts';
import { Facts } from './facts.tsx';
import { Metadata } from './metadata.tsx';
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
  const path = `/memory/${encodeURIComponent(memory.id)}`;
  const settle = (request: Promise<unknown>, done: string): void => {
    request.then(
      () => {
        toast({ text: done });
      },
      (error: unknown) => {
        setProblem(explain(error));
      },
    );
  };
  const keep = (version: Side): void => {
    if (version.state === undefined) {
      const body = changesTo(version, memory);
      settle(call('PATCH', path, { body }), 'Kept. The other version is in the history.');
    } else settle(call('DELETE', path), 'The memory is in the trash.');
  };
  const siblings = (memory.versions ?? []).filter(({ role }) => role === 'sibling');
  const versions: readonly Side[] = [{ ...memory, updated: memory.updated ?? memory.created }, ...siblings];
  return (
    <section class="sides" aria-label={`Versions of a memory, conflict ${number}`}>
      <Problem text={problem} />
      {versions.map((version, index) => (
        <VersionCard
          key={index}
          title={index === 0 ? 'Shown now' : 'The other version'}
          version={version}
          onKeep={() => {
            keep(version);
          }}
        />
      ))}
    </section>
  );
}

type Side = Pick<Version, 'text' | 'tags' | 'source' | 'metadata' | 'updated' | 'state'>;

interface VersionCardProps {
  readonly title: string;
  readonly version: Side;
  readonly onKeep: () => void;
}

function VersionCard({ title, version, onKeep }: VersionCardProps) {
  const { state, text, tags, source, metadata, updated } = version;
  return (
    <div class="card">
      <h2>{title}</h2>
      {state === undefined ? null : <p class="warning">Deleted on another machine.</p>}
      <p class="text whole">{text}</p>
      <Facts tags={tags} source={source} at={updated} />
      <Metadata metadata={metadata} />
      <div class="actions">
        <button type="button" class="primary" onClick={onKeep}>
          {state === undefined ? 'Keep this one' : 'Delete it here too'}
        </button>
      </div>
    </div>
  );
}
