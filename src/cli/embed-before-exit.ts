import type { App } from '../app.ts';

const TIME_LIMIT_MS = 10_000;

/**
 * A command's process ends at once, so it gives new texts their vectors itself, for a limited time.
 * What is left is done by the next server or `reembed`; search finds it by words until then.
 */
export async function embedBeforeExit({ memory }: App, signal: AbortSignal): Promise<void> {
  try {
    await memory.reembed(undefined, AbortSignal.any([signal, AbortSignal.timeout(TIME_LIMIT_MS)]));
  } catch {
    // The memory is stored; a model that is missing or slow shows in stats, doctor and searches.
  }
}

/** Waits for the model, so that the command's one answer can be by meaning; failing is the service's to report. */
export async function warmUpQuietly({ embedder }: App, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await embedder.warmUp().catch(() => undefined);
}
