import * as z from 'zod/mini';
import { defineTool } from '../define-tool.ts';
import { filled, text } from '../../api/fields.ts';
import { renderUpload } from '../render-sync.ts';
import { backUpAndUpload } from '../../api/services.ts';
import { uploadData } from '../../api/answers.ts';

export const syncUpload = defineTool({
  name: 'sync_upload',
  title: 'Back up and upload',
  description:
    'Make a backup now and upload it; with sync off it stays local. Both also happen by themselves.',
  intent: 'add',
  openWorld: true,
  input: z.strictObject({ name: text('begins its name, default manual') }),
  output: z.looseObject({ snapshot: z.string(), backup: z.string(), uploaded: z.boolean() }),
  async handle(services, { name }, { work }) {
    const { made, push } = await backUpAndUpload(services, filled(name), work);
    return { data: uploadData(made, push), text: renderUpload(made, push) };
  },
});
