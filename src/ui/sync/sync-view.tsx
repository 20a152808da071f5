import { useState } from 'preact/hooks';
import { followWork } from '../shared/api.ts';
import { MergeDialog, type RestoreChoice, RestoreDialog, RestoredNotice } from './restore.tsx';
import { Problem } from '../shared/elements.tsx';
import { type Backups, kindInWords, loadBackups, SnapshotList } from './snapshot-list.tsx';
import { StatusCard, SyncActions } from './status-card.tsx';
import { useToast } from '../shared/toast.tsx';
import { useWork, WorkInProgress } from '../shared/work.tsx';
import type { RestoreAnswer, Snapshot } from '../shared/types.ts';
import { useLoad } from '../shared/load.ts';
import { count, exactTime } from '../shared/words.ts';

/** The state of the backups and of the remote, and the snapshots to restore. */
export function SyncView() {
  const { value, problem, reload } = useLoad('sync', loadBackups);
  const [chosen, setChosen] = useState<RestoreChoice | null>(null);
  const [held, setHeld] = useState<RestoreAnswer | null>(null);
  const [restored, setRestored] = useState<RestoreAnswer | null>(null);
  const work = useWork();
  const toast = useToast();
  const choose = (choice: RestoreChoice): void => {
    // The dialog must not show the failure of earlier work.
    if (work.progress === null) work.cancel();
    setChosen(choice);
  };
  const merge = (confirm?: string): void => {
    setHeld(null);
    work.start<RestoreAnswer>({
      title: 'The merge',
      perform: (options) => followWork('/sync/download', { confirm }, options),
      onDone: ({ added, changed, removed }) => {
        toast({ text: `Merged: ${added} added, ${changed} changed, ${removed} removed.` });
      },
      onConfirm: setHeld,
    });
  };
  return (
    <>
      <h1>Backups &amp; sync</h1>
      <Problem text={problem} onRetry={reload} />
      {restored === null ? null : (
        <RestoredNotice
          answer={restored}
          onUndo={choose}
          onClose={() => {
            setRestored(null);
          }}
        />
      )}
      {value === undefined ? (
        <p class="hint">{problem === '' ? 'Loading…' : ''}</p>
      ) : (
        <>
          <StatusCard status={value.status} />
          <SyncActions enabled={value.status.enabled} onMerge={merge} />
          <WorkInProgress />
          <SnapshotLists backups={value} onChoose={choose} />
        </>
      )}
      {held === null ? null : (
        <MergeDialog
          plan={held}
          onClose={() => {
            setHeld(null);
          }}
          onMerge={() => {
            merge(held.confirm);
          }}
        />
      )}
      {chosen === null ? null : (
        <RestoreDialog
          choice={chosen}
          onClose={() => {
            setChosen(null);
          }}
          onDone={(answer) => {
            setChosen(null);
            setRestored(answer);
          }}
        />
      )}
    </>
  );
}

interface SnapshotListsProps {
  readonly backups: Backups;
  readonly onChoose: (choice: RestoreChoice) => void;
}

function SnapshotLists({ backups: { local, remote, remoteProblem }, onChoose }: SnapshotListsProps) {
  return (
    <>
      <Problem text={remoteProblem} />
      {remote === undefined ? null : (
        <SnapshotList
          title={`On the remote: ${count(remote.length, 'snapshot')}`}
          snapshots={remote}
          onRestore={(snapshot) => {
            onChoose(fromRemote(snapshot));
          }}
        />
      )}
      <SnapshotList
        title={`On this machine: ${count(local.length, 'snapshot')}`}
        snapshots={local}
        onRestore={(snapshot) => {
          onChoose(fromHere(snapshot));
        }}
      />
    </>
  );
}

function fromRemote(snapshot: Snapshot): RestoreChoice {
  return { title: titleOf(snapshot), path: `/sync/restore/${encodeURIComponent(snapshot.name)}`, body: {} };
}

function fromHere(snapshot: Snapshot): RestoreChoice {
  return { title: titleOf(snapshot), path: '/restore', body: { snapshot: snapshot.name } };
}

function titleOf({ name, kind, created, memories }: Snapshot): string {
  return `${kindInWords(kind)}, ${exactTime(created)}, with ${count(memories, 'memory', 'memories')} (${name})`;
}
