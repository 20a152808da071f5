import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServerCommand {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Polled until it is true: the server answers. */
  readonly isReady: () => Promise<boolean>;
  /** How long it may take to start; default 30 s. */
  readonly startMs?: number;
}

/** A child process that never outlives this one. */
export interface ServerProcess {
  readonly process: ChildProcess;
  /** SIGKILL, and wait until it is gone. Idempotent. */
  stop(): Promise<void>;
}

/** With this, Linux itself kills the child when its parent dies, even by SIGKILL. */
const dieWithParent = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL'] : [];

/** Starts a server and waits until it is ready; its output is part of the error when it is not. */
export async function startServer(command: ServerCommand): Promise<ServerProcess> {
  const [program = command.program, ...rest] = [...dieWithParent, command.program, ...command.arguments];
  const child = spawn(program, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...command.environment },
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  let output = '';
  const keep = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = once(child, 'exit');
  const stop = async () => {
    kill();
    await exited;
    process.removeListener('exit', kill);
  };
  try {
    await untilReady(command, () => child.exitCode !== null || child.signalCode !== null);
  } catch (error) {
    await stop();
    throw new Error(`${command.program} did not become ready: ${output}`, { cause: error });
  }
  return { process: child, stop };
}

async function untilReady(command: ServerCommand, hasEnded: () => boolean): Promise<void> {
  const end = performance.now() + (command.startMs ?? 30_000);
  while (!(await command.isReady().catch(() => false))) {
    if (hasEnded()) throw new Error('it ended by itself');
    if (performance.now() > end) throw new Error('time is up');
    await sleep(25);
  }
}

/** Ready when this address answers with any of the statuses. */
export function answersHttp(url: string, statuses: readonly number[] = [200]): () => Promise<boolean> {
  return async () => {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return statuses.includes(response.status);
  };
}

/** Ready when something listens on this loopback port. */
export function acceptsConnections(port: number): () => Promise<boolean> {
  return async () => {
    const socket = connect({ host: '127.0.0.1', port });
    try {
      await once(socket, 'connect');
      return true;
    } finally {
      socket.destroy();
    }
  };
}

/** A folder for a server's data, with the function that removes it. */
export async function dataFolder(name: string): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `faiss-memory-${name}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}
