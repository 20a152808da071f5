/**
 * Runs the work with a signal that aborts with the first of the given ones. The signals of `AbortSignal.any` are tied by
 * weak references, which Node.js keeps until a full garbage collection, with all that listens to them: the memory of a
 * server that makes one for each request grows by tens of megabytes before each of these.
 */
export async function untilAborted<Result>(
  signals: readonly AbortSignal[],
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const abort = (): void => {
    controller.abort(signals.find(({ aborted }) => aborted)?.reason);
  };
  for (const signal of signals) signal.addEventListener('abort', abort);
  if (signals.some(({ aborted }) => aborted)) abort();
  try {
    return await work(controller.signal);
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', abort);
  }
}
