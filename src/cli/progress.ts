import type { HostOutput } from './host.ts';

export interface ProgressCount {
  readonly done: number;
  /** Undefined while unknown. */
  readonly total?: number | undefined;
}

/** Shows how far a long command is. Call `finish` before anything else is printed. */
export interface Progress {
  update(count: ProgressCount): void;
  finish(): void;
}

const TERMINAL_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 5_000;
const BAR_WIDTH = 24;

/** On a terminal one line that is redrawn; elsewhere a plain line every few seconds. */
export function createProgress(
  title: string,
  stream: HostOutput,
  now: () => number = () => performance.now(),
): Progress {
  const terminal = stream.isTTY === true;
  const interval = terminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
  const started = now();
  let shownAt = terminal ? -Infinity : started;
  let drawn = false;
  return {
    update: (count) => {
      if (now() - shownAt < interval) return;
      shownAt = now();
      const line = `${title} ${describe(count, (shownAt - started) / 1_000)}`;
      stream.write(terminal ? `\r\u001B[2K${line}` : `${line}\n`);
      drawn = true;
    },
    finish: () => {
      if (terminal && drawn) stream.write('\r\u001B[2K');
    },
  };
}

function describe({ done, total }: ProgressCount, seconds: number): string {
  if (total === undefined || total === 0) return String(done);
  const share = Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = '#'.repeat(filled) + '-'.repeat(BAR_WIDTH - filled);
  const left = done > 0 && seconds > 1 ? `, about ${duration((seconds / done) * (total - done))} left` : '';
  return `[${bar}] ${Math.floor(share * 100)}% ${done} of ${total}${left}`;
}

function duration(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
