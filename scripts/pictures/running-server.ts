import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';

const PROGRAM = resolve('dist/bin/faiss-memory.js');

/** A machine with nothing of this one: its own home, and the settings that are given. */
export class Machine {
  readonly #env: Record<string, string>;
  #server: ChildProcess | undefined;

  constructor(home: string, settings: Readonly<Record<string, string>> = {}) {
    this.#env = {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      XDG_CONFIG_HOME: join(home, '.config'),
      XDG_DATA_HOME: join(home, '.local/share'),
      MEMORY_DATA_DIR: join(home, 'memories'),
      MEMORY_TIME_ZONE: 'UTC',
      // The checkout of the one who makes the pictures is no project of these users.
      MEMORY_PROJECT: '*',
      // The width of the recordings.
      COLUMNS: '92',
      ...settings,
    };
  }

  /** Runs one command. @returns what it printed to both streams */
  run(...args: readonly string[]): string {
    return execFileSync('sh', ['-c', 'exec "$@" 2>&1', 'sh', process.execPath, PROGRAM, ...args], {
      env: this.#env,
      encoding: 'utf8',
    });
  }

  /** @returns the address of its page */
  async serve(): Promise<string> {
    const child = spawn(process.execPath, [PROGRAM, 'serve', '--http', '--port', '0'], {
      env: this.#env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#server = child;
    let text = '';
    for await (const data of child.stderr) {
      text += String(data);
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
      if (address === undefined) continue;
      child.stderr.resume();
      return address;
    }
    throw new Error(`The server did not start: ${text}`);
  }

  async stop(): Promise<void> {
    if (this.#server === undefined || this.#server.exitCode !== null) return;
    this.#server.kill('SIGTERM');
    await once(this.#server, 'close');
  }
}

/** Sends JSON and reads the answer. @throws Error when it is not a success */
export async function send(method: string, url: string, body?: object): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text.slice(0, 200)}`);
  return JSON.parse(text) as Record<string, unknown>;
}
