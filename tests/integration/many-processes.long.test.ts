import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleProgram } from '../helpers/bundle.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import type { WriterEvent } from '../helpers/store-writer.ts';

const PROCESSES = 8;
/** How often each process is killed and started again. */
const KILLS = 2;
const WRITES_PER_LIFE = 12;

let program: string;

beforeAll(async () => {
  program = await bundleProgram('helpers/store-writer.ts');
});

interface Write {
  readonly text: string;
  readonly deleted: boolean;
}

/** What all processes together have told. */
class Log {
  /** All acknowledged writes of each id, in order. */
  readonly writes = new Map<string, Write[]>();
  readonly failures: string[] = [];
  /** Answers to searches for what another process had written just before. */
  readonly searches: { readonly word: string; readonly count: number }[] = [];

  wrote(id: string, write: Write): void {
    this.writes.set(id, [...(this.writes.get(id) ?? []), write]);
  }
}

/** One process at a time: killed without warning in the middle of its work, then started again. */
class Writer {
  readonly #dataDir: string;
  readonly #name: string;
  readonly #log: Log;
  #child: ChildProcess | undefined;
  #onWrite: (word: string) => void = () => undefined;

  constructor(dataDir: string, name: string, log: Log) {
    this.#dataDir = dataDir;
    this.#name = name;
    this.#log = log;
  }

  /** @param onWrite called with the word of each lasting memory when it was acknowledged */
  async run(onWrite: (word: string) => void): Promise<void> {
    this.#onWrite = onWrite;
    for (let life = 0; life <= KILLS; life += 1) await this.#live(life);
  }

  #live(life: number): Promise<void> {
    const child = spawn(process.execPath, [program, this.#dataDir, `${this.#name}x${life}`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child = child;
    // Questions to a process that was just killed come too late.
    child.stdin.on('error', () => undefined);
    const lastWrite = 1 + Math.floor(Math.random() * WRITES_PER_LIFE);
    let writes = 0;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as WriterEvent;
      this.#record(event);
      if (event.kind !== 'wrote' || ++writes !== lastWrite) return;
      if (life < KILLS) child.kill('SIGKILL');
      else child.stdin.write('stop\n');
    });
    return new Promise((resolve) => {
      child.on('close', () => {
        resolve();
      });
    });
  }

  #record(event: WriterEvent): void {
    if (event.kind === 'failed') this.#log.failures.push(`${this.#name}: ${event.error}`);
    if (event.kind === 'found') this.#log.searches.push(event);
    if (event.kind !== 'wrote') return;
    this.#log.wrote(event.id, event);
    if (event.word !== null) this.#onWrite(event.word);
  }

  /** Asks this process for what another one wrote; a killed one does not answer. */
  search(word: string): void {
    const stdin = this.#child?.stdin;
    if (stdin?.writable === true) stdin.write(`${word}\n`);
  }
}

describe('eight processes on one store, killed at random', () => {
  test('lose no acknowledged write, see no lock error and find what the others wrote', async () => {
    const folder = temporaryFolder();
    const log = new Log();
    const writers = Array.from({ length: PROCESSES }, (_, index) => new Writer(folder, `p${index}`, log));
    await Promise.all(
      writers.map((writer, index) => writer.run((word) => writers[(index + 1) % PROCESSES]?.search(word))),
    );

    expect(log.failures).toEqual([]);
    expect(log.writes.size).toBeGreaterThan(PROCESSES);
    expect(log.searches.length).toBeGreaterThan(0);
    expect(log.searches.filter(({ count }) => count !== 1)).toEqual([]);
    const store = openSqliteStore(folder);
    for (const memory of await store.get([...log.writes.keys()])) {
      const acknowledged = log.writes.get(memory.id) ?? [];
      log.writes.delete(memory.id);
      const known = memory.history.map(({ text }) => text);
      for (const { text } of acknowledged) expect(known).toContain(text);
      if (acknowledged.at(-1)?.deleted === true) expect(memory.state).toBe('deleted');
    }
    expect([...log.writes.keys()]).toEqual([]);
    expect((await store.checkIntegrity()).problems).toEqual([]);
    const { clock, machineId } = await store.stats();
    expect(Object.keys(clock)).toEqual([machineId]);
  }, 120_000);
});
