import * as z from 'zod/mini';
import type { BackupResult, WorkOptions } from '../../backup/backup-api.ts';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { NotUploadedError } from '../../errors/not-uploaded-error.ts';
import { SyncOffError } from '../../errors/sync-off-error.ts';
import type { PushResult, SyncApi } from '../../sync/sync-api.ts';
import { defineTool } from '../define-tool.ts';
import { filled, text } from '../../wire/fields.ts';
import { renderUpload } from '../render-sync.ts';
import { uploadData } from '../../wire/sync-data.ts';

export const syncUpload = defineTool({
  name: 'sync_upload',
  title: 'Back up and upload',
  description:
    'Make a backup now and upload it; with sync off it stays local. Both also happen by themselves.',
  intent: 'add',
  openWorld: true,
  input: z.strictObject({ name: text('begins its name, default manual') }),
  output: z.looseObject({ snapshot: z.string(), backup: z.string(), uploaded: z.boolean() }),
  async handle({ backup, sync }, { name }, { work }) {
    const made = await backup.backup({ kind: filled(name) }, work);
    const push = await upload(sync, made, work);
    return { data: uploadData(made, push), text: renderUpload(made, push) };
  },
});

/** @returns null when sync is off */
async function upload(sync: SyncApi, made: BackupResult, work: WorkOptions): Promise<PushResult | null> {
  try {
    return await sync.push(work);
  } catch (error) {
    if (error instanceof SyncOffError) return null;
    throw error instanceof FaissMemoryError ? new NotUploadedError(made.snapshot.name, error) : error;
  }
}
