import { useState } from 'preact/hooks';
import { explain } from '../api-error.ts';
import { changesTo, type MemoryChanges } from '../memory-changes.ts';
import type { MemoryWithVersions, Version } from '../types.ts';
import { Facts } from './facts.tsx';
import { Metadata } from './metadata.tsx';
import { Problem } from './notice.tsx';

interface VersionListProps {
  readonly memory: MemoryWithVersions;
  /** Makes a version the current one again. */
  readonly onUse: (changes: MemoryChanges) => Promise<void>;
}

/** The history of a memory, newest first. */
export function VersionList({ memory, onUse }: VersionListProps) {
  const [problem, setProblem] = useState('');
  const shown = (memory.versions ?? []).filter(({ state }) => state === undefined);
  if (shown.length === 0) return null;
  const use = (version: Version): void => {
    onUse(changesTo(version, memory)).catch((error: unknown) => {
      setProblem(explain(error));
    });
  };
  return (
    <section aria-label="History">
      <h2>History</h2>
      <Problem text={problem} />
      <ol class="entries">
        {shown.map((version, index) => (
          <li class="card old" key={`${version.updated} ${index}`}>
            <p class="text whole">{version.text}</p>
            <Metadata metadata={version.metadata} />
            <div class="foot">
              <Facts tags={version.tags} source={version.source} at={version.updated} />
              <button
                type="button"
                onClick={() => {
                  use(version);
                }}
              >
                Use this version again
              </button>
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
