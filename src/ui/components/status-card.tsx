import type { MachineState, SyncStatus } from '../types.ts';
import { count } from '../words.ts';
import { Time } from './time.tsx';

const RELATIONS: Readonly<Record<SyncStatus['relation'], string>> = {
  'in-sync': 'Everything here is at the remote, and everything there is here.',
  ahead: 'Something here was not uploaded yet.',
  behind: 'Other machines have something that is not here yet.',
  diverged: 'Something here was not uploaded yet, and other machines have something that is not here yet.',
  unknown: 'The remote was not reached yet.',
};

/** The state of the backups, in plain words. */
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

function stateOf({ problem, rolled_back: rolledBack, included }: MachineState): string {
  if (problem !== undefined) return problem.message;
  if (rolledBack === true) return 'shows less than before';
  return included === true ? 'all of it is here' : 'has something that is not here';
}
