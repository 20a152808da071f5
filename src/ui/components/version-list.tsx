import { useState } from 'preact/hooks';
import { explain } from '../api-error.ts';
import { changesTo, type MemoryChanges } from '../memory-changes.ts';
import type { MemoryWithVersions, Version } from '../types.ts';
import { differingFields, stepsOf, type Step } from '../version-differences.ts';
import { ExactTime } from './exact-time.tsx';
import { Problem } from './notice.tsx';
import { VersionContent } from './version-content.tsx';

interface VersionListProps {
  readonly memory: MemoryWithVersions;
  /** Makes a version the current one again. */
  readonly onUse: (changes: MemoryChanges) => Promise<void>;
}

/** The history of a memory, newest first; in each version is marked what changed after it. */
export function VersionList({ memory, onUse }: VersionListProps) {
  const [problem, setProblem] = useState('');
  const steps = stepsOf(memory);
  if (steps.length === 0) return null;
  const use = (version: Version): void => {
    onUse(changesTo(version, memory)).catch((error: unknown) => {
      setProblem(explain(error));
    });
  };
  // What is in the trash comes back first, or stays as it is.
  const canUse = memory.state === undefined;
  return (
    <section aria-label="History">
      <h2>History</h2>
      <Problem text={problem} />
      <ol class="entries">
        {steps.map((step, index) => (
          <OldVersion
            key={`${step.version.updated} ${index}`}
            step={step}
            onUse={
              canUse
                ? () => {
                    use(step.version);
                  }
                : undefined
            }
          />
        ))}
      </ol>
    </section>
  );
}

interface OldVersionProps {
  readonly step: Step;
  /** Undefined when that is not possible now. */
  readonly onUse: (() => void) | undefined;
}

function OldVersion({ step: { version, newer }, onUse }: OldVersionProps) {
  return (
    <li class="card old">
      <VersionContent content={version} others={[newer]}>
        <ExactTime at={version.updated} />
      </VersionContent>
      <div class="foot">
        <span class="hint">Changed after it: {differingFields([version, newer]).join(', ')}</span>
        {onUse === undefined ? null : (
          <button type="button" onClick={onUse}>
            Use this version again
          </button>
        )}
      </div>
    </li>
  );
}
