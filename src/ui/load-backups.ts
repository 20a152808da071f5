import { call } from './api.ts';
import { explain, isAbort } from './api-error.ts';
import type { Snapshot, SyncStatus } from './types.ts';

export interface Backups {
  readonly status: SyncStatus;
  /** Newest first, as `remote`. */
  readonly local: readonly Snapshot[];
  /** Undefined when there is no remote, or it cannot be reached. */
  readonly remote: readonly Snapshot[] | undefined;
  /** Why the snapshots of the remote are not known. Empty = none. */
  readonly remoteProblem: string;
}

/** All that there is to know about backups, without failing because of the remote. */
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
