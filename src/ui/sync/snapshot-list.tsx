import { useState } from 'preact/hooks';
import { call, explain, isAbort } from '../shared/api.ts';
import { Time } from '../shared/elements.tsx';
import type { Snapshot, SyncStatus } from '../shared/types.ts';
import { useMayWrite } from '../shared/team.tsx';
import { bytes, count, exactTime } from '../shared/words.ts';

/** Number of snapshots that are shown before a click on “Show all”. */
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
  const mayWrite = useMayWrite();
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
      {mayWrite ? (
        <button type="button" aria-label={`Restore ${name}`} onClick={onRestore}>
          Restore…
        </button>
      ) : null}
    </li>
  );
}

const KINDS: Readonly<Record<string, string>> = {
  auto: 'Automatic',
  exit: 'Automatic, at the end of the program',
  manual: 'By hand',
  scheduled: 'By schedule',
  pre_restore: 'Before a restore',
  pre_merge: 'Before a merge',
  pre_delete: 'Before many deletions',
  pre_import: 'Before an import',
};

/** The reason for a snapshot, in words. A user's own kind is shown with spaces. */
export function kindInWords(kind: string): string {
  return KINDS[kind] ?? kind.replaceAll('_', ' ');
}

export interface Backups {
  readonly status: SyncStatus;
  /** The snapshots on this machine, newest first. */
  readonly local: readonly Snapshot[];
  /** The snapshots on the remote, newest first. Undefined when there is no remote or it cannot be reached. */
  readonly remote: readonly Snapshot[] | undefined;
  /** Why the snapshots of the remote could not be loaded. Empty when there is no problem. */
  readonly remoteProblem: string;
}

/** Loads the state of the backups. An error of the remote becomes `remoteProblem`. */
export async function loadBackups(signal: AbortSignal): Promise<Backups> {
  const [status, { backups }] = await Promise.all([
    call<SyncStatus>('GET', '/sync/status', { signal }),
    call<{ backups: Snapshot[] }>('GET', '/backups', { signal }),
  ]);
  const known = { status, local: backups };
  if (!status.enabled || status.reachable !== true) return { ...known, remote: undefined, remoteProblem: '' };
  try {
    const { snapshots } = await call<{ snapshots: Snapshot[] }>('GET', '/sync/snapshots', { signal });
    return { ...known, remote: snapshots, remoteProblem: '' };
  } catch (error) {
    if (isAbort(error)) throw error;
    return { ...known, remote: undefined, remoteProblem: explain(error) };
  }
}
