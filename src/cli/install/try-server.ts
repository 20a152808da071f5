import { spawn } from 'node:child_process';
import type { LaunchCommand } from '../clients/clients.ts';
import { settleWithin } from '../../util/concurrency.ts';
import { startable } from '../../util/start-command.ts';

/** The view that a client has of a server. */
export interface ServerTrial {
  /** From the start of the process to the list of tools. */
  readonly milliseconds: number;
  readonly version: string;
  readonly tools: number;
}

export interface TrialOptions {
  /** The whole environment of the process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly workingDirectory: string;
  /** Clients give up after 30 s. */
  readonly limitMs?: number;
}

const LIMIT_MS = 30_000;
/** A server ends within two seconds. */
const END_LIMIT_MS = 3_000;
/** More than this before the answers means that the command is not this server. */
const MAX_OUTPUT = 1_000_000;
const MAX_REASON = 300;
const PROTOCOL = '2025-06-18';

/**
 * Starts a server over stdio as a client does, shakes hands, asks for the tools, and ends it. The server answers both
 * without opening the memories.
 * @throws Error with the reason, for example the last words of the command on stderr
 */
export async function tryServer(
  { command, args, env: extra }: LaunchCommand,
  { env, platform, workingDirectory, limitMs = LIMIT_MS }: TrialOptions,
): Promise<ServerTrial> {
  const start = performance.now();
  const whole = { ...env, ...extra };
  const started = startable(command, args, { env: whole, platform, workingDirectory });
  const child = spawn(started.file, [...started.args], {
    cwd: workingDirectory,
    env: whole,
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
    windowsVerbatimArguments: started.windowsVerbatimArguments,
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve();
    });
    child.once('error', () => {
      resolve();
    });
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-MAX_REASON);
  });
  child.stdin.on('error', () => undefined);
  try {
    const answers = new Promise<Map<number, unknown>>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        reject(
          new Error(`it ended with exit code ${code ?? 'none'}${errors === '' ? '' : `: ${errors.trim()}`}`),
        );
      });
      collectAnswers(child.stdout, resolve, reject);
    });
    const clientInfo = { name: 'faiss-memory-doctor', version: '1' };
    const hello = { protocolVersion: PROTOCOL, capabilities: {}, clientInfo };
    for (const message of [
      { id: 1, method: 'initialize', params: hello },
      { method: 'notifications/initialized' },
      { id: 2, method: 'tools/list', params: {} },
    ]) {
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    }
    const received = await settleWithin(answers, limitMs);
    if (received === undefined) throw new Error(`it did not answer within ${Math.round(limitMs / 1_000)} s`);
    const milliseconds = Math.round(performance.now() - start);
    return { milliseconds, ...describeAnswers(received) };
  } finally {
    child.stdin.end();
    child.kill();
    // Windows renames and removes no file of a process that runs.
    await settleWithin(ended, END_LIMIT_MS);
  }
}

function collectAnswers(
  stdout: NodeJS.ReadableStream,
  resolve: (answers: Map<number, unknown>) => void,
  reject: (error: Error) => void,
): void {
  const answers = new Map<number, unknown>();
  let text = '';
  stdout.setEncoding('utf8').on('data', (data: string) => {
    text += data;
    if (text.length > MAX_OUTPUT) reject(new Error('it writes something else than the protocol'));
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const message = parseMessage(line);
      if (message === undefined) {
        reject(new Error(`it wrote ${JSON.stringify(line.slice(0, 80))} to stdout`));
        return;
      }
      if (typeof message.id === 'number') answers.set(message.id, message.result);
    }
    if (answers.has(1) && answers.has(2)) resolve(answers);
  });
}

function parseMessage(line: string): { readonly id?: unknown; readonly result?: unknown } | undefined {
  try {
    const message: unknown = JSON.parse(line);
    return typeof message === 'object' && message !== null ? message : undefined;
  } catch {
    return undefined;
  }
}

function describeAnswers(answers: ReadonlyMap<number, unknown>): { version: string; tools: number } {
  // Another server may answer anything; every member is looked at before it is used.
  const hello = answers.get(1) as { serverInfo?: { name?: unknown; version?: unknown } } | null | undefined;
  const list = answers.get(2) as { tools?: unknown } | null | undefined;
  if (hello?.serverInfo?.name !== 'faiss-memory' || !Array.isArray(list?.tools)) {
    throw new Error('another server answered');
  }
  const { version } = hello.serverInfo;
  return { version: typeof version === 'string' ? version : '', tools: list.tools.length };
}
