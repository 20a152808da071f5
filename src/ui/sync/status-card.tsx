import { followWork } from '../shared/api.ts';
import { Time } from '../shared/elements.tsx';
import { useMayWrite } from '../shared/team.tsx';
import { useToast } from '../shared/toast.tsx';
import type { MachineState, SyncStatus } from '../shared/types.ts';
import { count } from '../shared/words.ts';
import { useWork } from '../shared/work.tsx';

const RELATIONS: Readonly<Record<SyncStatus['relation'], string>> = {
  'in-sync': 'This machine and the remote have the same state.',
  ahead: 'This machine has changes that are not uploaded yet.',
  behind: 'Other machines have changes that are not merged yet.',
  diverged:
    'This machine has changes that are not uploaded yet, and other machines have changes that are not merged yet.',
  unknown: 'The remote was not reached yet.',
};

/** The state of the backups in words. */
export function StatusCard({ status }: { readonly status: SyncStatus }) {
  const { enabled, relation, location, encrypted, problem, warnings = [], machines = [] } = status;
  return (
    <div class="card">
      <h2>{enabled ? RELATIONS[relation] : 'Backups are made on this machine only.'}</h2>
      {enabled ? (
        <p class="facts">
          <span>{location}</span>
          <span>{encrypted ? 'encrypted' : 'not encrypted'}</span>
          {status.pushed_at === undefined ? null : (
            <span>
              uploaded <Time at={status.pushed_at} />
            </span>
          )}
          {status.pulled_at === undefined ? null : (
            <span>
              merged <Time at={status.pulled_at} />
            </span>
          )}
          {status.unsent === undefined || status.unsent === 0 ? null : (
            <span>{count(status.unsent, 'change')} not uploaded</span>
          )}
          {status.traffic === undefined ? null : (
            <span>{count(status.traffic.writes + status.traffic.reads, 'request')} this month</span>
          )}
        </p>
      ) : (
        <p class="hint">
          Set CLOUD_SYNC_ENABLED and a bucket, or a folder on another disk, to keep a copy elsewhere.
        </p>
      )}
      {problem === undefined ? null : (
        <p class="problem">
          {problem.message} {problem.fix}
        </p>
      )}
      {status.held_removals === undefined ? null : (
        <p class="warning">
          A merge waits because it would remove {count(status.held_removals, 'memory', 'memories')} here. Use
          “Merge from other machines” to decide.
        </p>
      )}
      {warnings.map((warning) => (
        <p class="warning" key={warning}>
          {warning}
        </p>
      ))}
      {machines.length === 0 ? null : <Machines machines={machines} />}
    </div>
  );
}

function Machines({ machines }: { readonly machines: readonly MachineState[] }) {
  return (
    <div class="scroll" role="region" aria-label="Machines" tabIndex={0}>
      <table>
        <caption class="hidden">Machines that use this remote</caption>
        <thead>
          <tr>
            <th scope="col">Machine</th>
            <th scope="col">Newest snapshot</th>
            <th scope="col">Memories</th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {machines.map((machine) => (
            <tr key={machine.machine}>
              <th scope="row">
                {machine.machine}
                {machine.own === true ? ' (this one)' : ''}
              </th>
              <td>{machine.newest ?? 'none'}</td>
              <td>{machine.memories?.toLocaleString() ?? ''}</td>
              <td>{stateOf(machine)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function stateOf({ problem, gone, rolled_back: rolledBack, included }: MachineState): string {
  if (problem !== undefined) return problem.message;
  if (gone === true) return 'its backups are gone from the remote';
  if (rolledBack === true) return 'shows an older state than before';
  return included === true ? 'merged' : 'has changes that are not merged yet';
}

interface SyncActionsProps {
  /** True when there is a remote. */
  readonly enabled: boolean;
  readonly onMerge: () => void;
}

/** The buttons for backups. */
export function SyncActions({ enabled, onMerge }: SyncActionsProps) {
  const { progress, start } = useWork();
  const toast = useToast();
  const mayWrite = useMayWrite();
  const backUp = (): void => {
    start<{ readonly uploaded: boolean }>({
      title: 'The backup',
      perform: (options) => followWork('/sync/upload', {}, options),
      onDone: ({ uploaded }) => {
        toast({ text: uploaded ? 'Backed up and uploaded.' : 'Backed up on this machine.' });
      },
    });
  };
  const isBusy = progress !== null;
  if (!mayWrite) return null;
  return (
    <div class="actions">
      <button type="button" class="primary" disabled={isBusy} onClick={backUp}>
        {enabled ? 'Back up now and upload' : 'Back up now'}
      </button>
      {enabled ? (
        <button
          type="button"
          disabled={isBusy}
          onClick={() => {
            onMerge();
          }}
        >
          Merge from other machines
        </button>
      ) : null}
    </div>
  );
}
