import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { Problem } from '../components/notice.tsx';
import { RestoreDialog } from '../components/restore-dialog.tsx';
import { SnapshotTable } from '../components/snapshot-table.tsx';
import { StatusCard } from '../components/status-card.tsx';
import { useToast } from '../components/toast.tsx';
import { useWork } from '../components/use-work.ts';
import { WorkInProgress } from '../components/work-progress.tsx';
import type { RestoreAnswer, Snapshot, SyncStatus } from '../types.ts';
import { useLoad } from '../use-load.ts';
import { count } from '../words.ts';

interface Backups {
  readonly status: SyncStatus;
  readonly local: readonly Snapshot[];
  /** Undefined when there is no remote, or it cannot be reached. */
  readonly remote: readonly Snapshot[] | undefined;
}

async function loadBackups(signal: AbortSignal): Promise<Backups> {
  const [status, { backups }] = await Promise.all([
    call<SyncStatus>('GET', '/sync/status', { signal }),
    call<{ backups: Snapshot[] }>('GET', '/backups', { signal }),
  ]);
  const reachable = status.enabled && status.reachable === true;
  const remote = reachable
    ? (await call<{ snapshots: Snapshot[] }>('GET', '/sync/snapshots', { signal })).snapshots
    : undefined;
  return { status, local: backups, remote };
}

/** Where a snapshot is restored from: the path of its restore. */
interface Chosen {
  readonly snapshot: Snapshot;
  readonly path: string;
  readonly body: object;
}

export function SyncView() {
  const { value, problem, reload } = useLoad('sync', loadBackups);
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const uploading = useWork<{ readonly uploaded: boolean }>();
  const merging = useWork<RestoreAnswer>();
  const busy = uploading.progress !== null || merging.progress !== null;
  const toast = useToast();
  const finish = (text: string): void => {
    toast({ text });
    reload();
  };
  const upload = (): void => {
    uploading.start('/sync/upload', {}, ({ uploaded }) => {
      finish(uploaded ? 'Backed up and uploaded.' : 'Backed up on this machine.');
    });
  };
  const merge = (): void => {
    merging.start('/sync/download', {}, ({ added, changed, removed }) => {
      finish(`Merged: ${added} added, ${changed} changed, ${removed} removed.`);
    });
  };
  return (
    <>
      <h1>Backups &amp; sync</h1>
      <Problem text={problem} />
      {value === undefined ? (
        <p class="hint">Asking the remote…</p>
      ) : (
        <>
          <StatusCard status={value.status} />
          <div class="actions">
            <button type="button" class="primary" disabled={busy} onClick={upload}>
              {value.status.enabled ? 'Back up now and upload' : 'Back up now'}
            </button>
            {value.status.enabled ? (
              <button type="button" disabled={busy} onClick={merge}>
                Merge from other machines
              </button>
            ) : null}
          </div>
          <WorkInProgress work={uploading} />
          <WorkInProgress work={merging} />
          {value.remote === undefined ? null : (
            <SnapshotTable
              title={`At the remote: ${count(value.remote.length, 'snapshot')}`}
              snapshots={value.remote}
              onRestore={(snapshot) => {
                setChosen({ snapshot, path: `/sync/restore/${encodeURIComponent(snapshot.name)}`, body: {} });
              }}
            />
          )}
          <SnapshotTable
            title={`On this machine: ${count(value.local.length, 'snapshot')}`}
            snapshots={value.local}
            onRestore={(snapshot) => {
              setChosen({ snapshot, path: '/restore', body: { snapshot: snapshot.name } });
            }}
          />
        </>
      )}
      {chosen === null ? null : (
        <RestoreDialog
          {...chosen}
          onClose={() => {
            setChosen(null);
          }}
          onDone={(text) => {
            setChosen(null);
            finish(text);
          }}
        />
      )}
    </>
  );
}
