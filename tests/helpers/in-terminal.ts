import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PROGRAM } from './mcp/server-environment.ts';

export interface TerminalRun {
  readonly code: number | null;
  /** All that was written to the terminal. */
  readonly screen: string;
}

/**
 * Runs the built program in a terminal. Not for Windows.
 * @param onScreen called with all that is on the screen so far; its answer is typed
 */
export async function runInTerminal(
  args: string,
  env: Readonly<Record<string, string>>,
  onScreen: (screen: string) => string = () => '',
): Promise<TerminalRun> {
  const child = spawn('script', ['-qec', `${process.execPath} ${PROGRAM} ${args}`, '/dev/null'], { env });
  let screen = '';
  child.stdout.on('data', (data: Buffer) => {
    screen += data.toString();
    const typed = onScreen(screen);
    if (typed !== '') child.stdin.write(typed);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, screen };
}
