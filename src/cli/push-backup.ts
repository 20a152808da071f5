import type { BackupResult } from '../backup/backup-api.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { NotUploadedError } from '../errors/remote-errors.ts';
import type { PushResult } from '../sync/sync-api.ts';
import type { CommandContext } from './command.ts';
import { longWork } from './long-work.ts';
import { byteSize, count } from './render.ts';
import { snapshotData } from './snapshot-output.ts';

/** Sends a new backup on its way. @throws NotUploadedError */
export async function pushBackup(context: CommandContext, made: BackupResult): Promise<PushResult> {
  const { sync } = await context.app();
  try {
    return await longWork(context, (work) => sync.push(work));
  } catch (error) {
    throw error instanceof FaissMemoryError ? new NotUploadedError(made.snapshot.name, error) : error;
  }
}

export function pushData(push: PushResult): object {
  return { ...push, snapshot: snapshotData(push.snapshot) };
}

export function describePush({ outcome, snapshot, snapshotsPushed, bytes, skipped }: PushResult): string {
  const lines =
    outcome === 'unchanged'
      ? [`The remote has everything already; the newest is ${snapshot.name}.`]
      : [
          `${count(snapshotsPushed, 'snapshot')} uploaded (${byteSize(bytes)}) and confirmed by the remote; the newest is ${snapshot.name}.`,
        ];
  if (skipped.length > 0)
    lines.push(`Damaged here and not sent: ${skipped.join(', ')}. Run "faiss-memory backup verify".`);
  return lines.join('\n');
}
