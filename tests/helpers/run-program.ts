import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { PROGRAM, serverEnvironment } from './mcp/server-environment.ts';

export interface ProgramRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly dataDir: string;
  readonly input?: string;
  /** Shell command with `$FAISS_MEMORY` for the program, instead of arguments. */
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the built program to its end, without a model. */
export async function runProgram(args: readonly string[], options: ProgramOptions): Promise<ProgramRun> {
  const { dataDir, input = '', shell, env: overrides } = options;
  const command = shell === undefined ? [process.execPath, PROGRAM, ...args] : ['bash', '-c', shell];
  const [file = '', ...rest] = command;
  const env = { ...serverEnvironment(dataDir, overrides), FAISS_MEMORY: `${process.execPath} ${PROGRAM}` };
  const child = spawn(file, rest, { env });
  child.stdin.on('error', () => undefined).end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}
