import type { WorkOptions } from '../backup/backup-api.ts';
import type { CommandContext } from './command.ts';
import type { Progress } from './progress.ts';

/** Runs work that Ctrl-C aborts and whose steps are shown on stderr. */
export async function longWork<Result>(
  { output, signal }: CommandContext,
  work: (options: WorkOptions) => Promise<Result>,
): Promise<Result> {
  let shown: { readonly step: string; readonly progress: Progress } | undefined;
  try {
    return await work({
      signal,
      onProgress: ({ step, done, total }) => {
        if (shown?.step !== step) {
          shown?.progress.finish();
          const title = step.charAt(0).toUpperCase() + step.slice(1);
          shown = { step, progress: output.progress(title) };
        }
        shown.progress.update({ done, total });
      },
    });
  } finally {
    shown?.progress.finish();
  }
}
