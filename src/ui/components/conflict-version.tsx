import type { Version } from '../types.ts';
import type { Content } from '../version-differences.ts';
import { ExactTime } from './exact-time.tsx';
import { VersionContent } from './version-content.tsx';

interface ConflictVersionProps {
  readonly title: string;
  readonly version: Content & Pick<Version, 'updated' | 'state'>;
  /** What differs from these is marked. */
  readonly others: readonly Content[];
  readonly onKeep: (button: Element) => void;
}

/** One of the versions to choose from. The choice comes before the text, which may be long. */
export function ConflictVersion({ title, version, others, onKeep }: ConflictVersionProps) {
  const { state, updated } = version;
  const isDeleted = state !== undefined;
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
