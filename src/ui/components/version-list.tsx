import { useState } from 'preact/hooks';
import { explain } from '../api-error.ts';
import type { Version } from '../types.ts';
import { Facts } from './facts.tsx';
import type { MemoryFields } from './memory-form.tsx';
import { Problem } from './notice.tsx';

interface VersionListProps {
  /** Newest first, without the current one. */
  readonly versions: readonly Version[];
  /** Makes a version the current one again. */
  readonly onUse: (fields: MemoryFields) => Promise<void>;
}

/** The history of a memory. */
export function VersionList({ versions, onUse }: VersionListProps) {
  const [problem, setProblem] = useState('');
  const shown = versions.filter(({ state }) => state === undefined);
  if (shown.length === 0) return null;
  const use = (version: Version): void => {
    onUse(fieldsOf(version)).catch((error: unknown) => {
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

export function fieldsOf({
  text,
  tags = [],
  source = '',
}: Pick<Version, 'text' | 'tags' | 'source'>): MemoryFields {
  return { text, tags, source };
}
