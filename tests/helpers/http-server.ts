import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { PROGRAM, serverEnvironment } from './mcp/server-environment.ts';

export interface ServerOptions {
  /** Default: an empty folder that is gone afterwards. */
  readonly dataDir?: string;
  /** On top of `serverEnvironment`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the built program. */
  readonly program?: string;
  /** After `serve --http --port 0`. */
  readonly args?: readonly string[];
  /** A command that ends in running the one that follows it, in the same process. */
  readonly launcher?: readonly string[];
}

export interface RunningHttpServer {
  /** For example `http://127.0.0.1:40123`. */
  readonly address: string;
  readonly dataDir: string;
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  stdout(): string;
  stderr(): string;
  /** Asks it to stop and waits for its end; the exit code, null after a signal. Idempotent. */
  stop(): Promise<number | null>;
}

/** Starts the built program and stops it when the test has finished. */
export async function startServer(options: ServerOptions = {}): Promise<RunningHttpServer> {
  const server = await launchServer(options);
  onTestFinished(async () => {
    await server.stop();
  });
  return server;
}

/** The same for hooks: who calls it stops it. */
export async function launchServer(options: ServerOptions = {}): Promise<RunningHttpServer> {
  const { dataDir = mkdtempSync(join(tmpdir(), 'faiss-memory-http-')), env, args = [] } = options;
  const { program = PROGRAM, launcher = [] } = options;
  const [command, ...words] = [...launcher, process.execPath, program];
  const child = spawn(command, [...words, 'serve', '--http', '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: serverEnvironment(dataDir, env),
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const ended = once(child, 'close') as Promise<[number | null]>;
  const stop = async (): Promise<number | null> => {
    child.kill('SIGTERM');
    const [code] = await ended;
    if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
    return code;
  };
  const address = await Promise.race([announcedAddress(child.stderr, () => output.stderr), ended]);
  if (typeof address !== 'string') {
    await stop();
    throw new Error(`the server ended with code ${String(address[0])}: ${output.stderr}`);
  }
  return { address, dataDir, child, stdout: () => output.stdout, stderr: () => output.stderr, stop };
}

function announcedAddress(stream: Readable, text: () => string): Promise<string> {
  return new Promise((resolve) => {
    const look = (): void => {
      const address = /Memories at (https?:\/\/\S+) /.exec(text())?.[1];
      if (address === undefined) return;
      stream.off('data', look);
      resolve(address);
    };
    stream.on('data', look);
  });
}
