import { useState } from 'preact/hooks';
import type { Snapshot } from '../types.ts';
import { bytes, count, exactTime } from '../words.ts';
import { kindInWords } from './snapshot-kinds.ts';
import { Time } from './time.tsx';

/** More appear when they are asked for. */
const SHOWN = 8;

interface SnapshotListProps {
  readonly title: string;
  /** Newest first. */
  readonly snapshots: readonly Snapshot[];
  readonly onRestore: (snapshot: Snapshot) => void;
}

export function SnapshotList({ title, snapshots, onRestore }: SnapshotListProps) {
  const [all, setAll] = useState(false);
  const shown = all ? snapshots : snapshots.slice(0, SHOWN);
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      {snapshots.length === 0 ? null : (
        <ul class="rows">
          {shown.map((snapshot) => (
            <SnapshotRow
              key={`${snapshot.machine} ${snapshot.name} ${snapshot.created}`}
              snapshot={snapshot}
              onRestore={() => {
                onRestore(snapshot);
              }}
            />
          ))}
        </ul>
      )}
      {shown.length === snapshots.length ? null : (
        <button
          type="button"
          class="more"
          onClick={() => {
            setAll(true);
          }}
        >
          Show all {snapshots.length.toLocaleString()}
        </button>
      )}
    </section>
  );
}

interface SnapshotRowProps {
  readonly snapshot: Snapshot;
  readonly onRestore: () => void;
}

function SnapshotRow({ snapshot, onRestore }: SnapshotRowProps) {
  const { name, kind, pinned, encrypted, created, memories, own, machine } = snapshot;
  return (
    <li>
      <div class="grow">
        <span class="name">
          {kindInWords(kind)}, {exactTime(created)}
        </span>
        <p class="facts">
          <span>{name}</span>
          <Time at={created} />
          <span>{count(memories, 'memory', 'memories')}</span>
          <span>{bytes(snapshot.bytes)}</span>
          <span>{own === true ? 'of this machine' : `of ${machine}`}</span>
          {encrypted === true ? <span>encrypted</span> : null}
          {pinned === true ? <span>kept for ever</span> : null}
        </p>
      </div>
      <button type="button" aria-label={`Restore ${name}`} onClick={onRestore}>
        Restore…
      </button>
    </li>
  );
}
