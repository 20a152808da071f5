import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { programCommand } from './measured-program.ts';

interface Reply {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
}

/** A server over raw stdio, so that the time of a client library is not measured; by default the built program. */
export class ServerProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #ended: Promise<unknown>;
  #nextId = 1;

  /** @param parameters of Node.js: a program and its arguments */
  constructor(env: Readonly<Record<string, string>>, parameters = programCommand()) {
    this.#child = spawn(process.execPath, [...parameters], { env: { ...process.env, ...env } });
    this.#ended = once(this.#child, 'exit');
    this.#child.stderr.resume();
    // Its end is told to who waits for an answer.
    this.#child.stdin.on('error', () => undefined);
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      const reply = JSON.parse(line) as Reply;
      this.#waiting.get(reply.id ?? -1)?.(reply);
    });
  }

  /** Rejects when the server ends before it answers. */
  request(method: string, params: Record<string, unknown>): Promise<Record<string, unknown>> {
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      void this.#ended.then(() => {
        reject(new Error(`the server ended before it answered ${method}`));
      });
      this.#waiting.set(id, ({ result }) => {
        resolve(result ?? {});
      });
      this.#child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    });
  }

  async initialize(): Promise<void> {
    const clientInfo = { name: 'bench', version: '1' };
    await this.request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
    this.#child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`);
  }

  call(name: string, parameters: Record<string, unknown>): Promise<Record<string, unknown>> {
    return this.request('tools/call', { name, arguments: parameters });
  }

  /** Resident memory in MB; Linux only. */
  get rss(): number {
    const status = readFileSync(`/proc/${this.#child.pid ?? 0}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
  }

  /** @returns milliseconds from the end of stdin to the end of the process */
  async end(): Promise<number> {
    const start = performance.now();
    this.#child.stdin.end();
    await this.#ended;
    return performance.now() - start;
  }
}

/** Milliseconds that Node alone needs to start and end. */
export function bareNode(): Promise<number> {
  const start = performance.now();
  return new Promise((resolve) => {
    spawn(process.execPath, ['-e', '0']).once('exit', () => {
      resolve(performance.now() - start);
    });
  });
}
