import type { Host } from './host.ts';

/** Why a command should stop. */
export type StopReason = 'interrupt' | 'broken-pipe';

export interface Interruption {
  readonly signal: AbortSignal;
  /** Undefined while nothing happened. */
  readonly reason: StopReason | undefined;
  /** Resolves when the command should stop. */
  readonly stopped: Promise<void>;
  /** Removes the listeners. */
  dispose(): void;
}

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Turns Ctrl-C, SIGTERM, a closed terminal and a closed pipe into one abort signal. A second Ctrl-C is left to
 * the default handler, which ends the process at once.
 */
export function watchInterruptions(host: Host): Interruption {
  const controller = new AbortController();
  let reason: StopReason | undefined;
  const stopped = new Promise<void>((resolve) => {
    controller.signal.addEventListener('abort', () => {
      resolve();
    });
  });
  const dispose = (): void => {
    for (const name of STOP_SIGNALS) process.removeListener(name, onSignal);
  };
  const stop = (why: StopReason): void => {
    reason ??= why;
    dispose();
    controller.abort();
  };
  const onSignal = (): void => {
    stop('interrupt');
  };
  const onOutputError = (): void => {
    stop('broken-pipe');
  };
  for (const name of STOP_SIGNALS) process.on(name, onSignal);
  host.stdout.on('error', onOutputError);
  host.stderr.on('error', onOutputError);
  return {
    signal: controller.signal,
    get reason() {
      return reason;
    },
    stopped,
    dispose,
  };
}
