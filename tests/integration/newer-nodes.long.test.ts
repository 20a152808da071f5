import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleProgram } from '../helpers/bundle.ts';
import { findNode, NEWER_MAJORS } from '../helpers/newer-nodes.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import type { WriterEvent } from '../helpers/store-writer.ts';

const STORE_TESTS = [
  'tests/contract/sqlite-memory-store.test.ts',
  'tests/contract/sqlite-replica.test.ts',
  'tests/contract/hosted-memory-store.test.ts',
  'tests/integration/store-failures.test.ts',
  'tests/integration/store-integrity.test.ts',
  'tests/integration/store-migrations.test.ts',
  'tests/integration/sqlite-work-lock.test.ts',
  'tests/unit/store/engine.test.ts',
];
const STORE_TESTS_LIMIT_MS = 900_000;
const WRITES = 40;

let program: string;
beforeAll(async () => {
  program = await bundleProgram('helpers/store-writer.ts');
});

describe.each(NEWER_MAJORS)('Node.js %i with its own SQLite', (major) => {
  const node = findNode(major);

  test('can be installed, or is left out aloud', () => {
    if (node === undefined)
      process.stderr.write(`Node.js ${major} is left out: npm cannot install it here\n`);
    expect(node === undefined || node.length > 0).toBe(true);
  });
  if (node === undefined) return;

  test(
    'passes the tests of the store',
    () => {
      const env = { ...process.env, SKIP_BUILD: '1', PATH: `${dirname(node)}:${process.env['PATH'] ?? ''}` };
      const args = ['node_modules/vitest/vitest.mjs', 'run', ...STORE_TESTS];
      const { status, stdout } = spawnSync(node, args, { encoding: 'utf8', env });
      expect(stdout).toMatch(/Tests .*passed/);
      expect(status, stdout.slice(-4_000)).toBe(0);
    },
    STORE_TESTS_LIMIT_MS,
  );

  test('shares a store with a process that has the other engine, at the same time', async () => {
    const dataDir = temporaryFolder();
    const writers = [
      new Writer([node, program, dataDir, 'own']),
      new Writer([node, '--no-experimental-sqlite', program, dataDir, 'package']),
    ];
    const words = await Promise.all(writers.map((writer) => writer.lastingWords(WRITES)));
    // Each finds what the other wrote, while both have the store open.
    for (const [index, writer] of writers.entries()) {
      for (const word of words[1 - index] ?? []) expect(await writer.count(word)).toBe(1);
    }
    for (const writer of writers) await writer.stop();
    expect(writers.flatMap(({ failures }) => failures)).toEqual([]);
    const store = openSqliteStore(dataDir);
    expect(await store.checkIntegrity()).toMatchObject({ ok: true, problems: [] });
    for (const word of words.flat()) {
      const { words: found } = await store.candidates({ filter: {}, limit: 5, words: word });
      expect(found).toHaveLength(1);
    }
  });
});

/** A process that writes at random. */
class Writer {
  readonly failures: string[] = [];
  readonly #child: ChildProcess;
  readonly #words: string[] = [];
  readonly #counts = new Map<string, number>();
  #onEvent: () => void = () => undefined;

  constructor([file = '', ...args]: readonly string[]) {
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as WriterEvent;
      if (event.kind === 'failed') this.failures.push(event.error);
      if (event.kind === 'found') this.#counts.set(event.word, event.count);
      if (event.kind === 'wrote' && event.word !== null) this.#words.push(event.word);
      this.#onEvent();
    });
  }

  /** Words of memories that are never changed. */
  async lastingWords(count: number): Promise<string[]> {
    await this.#until(() => this.#words.length >= count);
    return this.#words.slice(0, count);
  }

  async count(word: string): Promise<number | undefined> {
    this.#child.stdin?.write(`${word}\n`);
    await this.#until(() => this.#counts.has(word));
    return this.#counts.get(word);
  }

  async stop(): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.stdin?.write('stop\n');
    await closed;
  }

  #until(reached: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (this.failures.length > 0) reject(new Error(this.failures[0]));
        else if (reached()) resolve();
      };
      this.#onEvent = look;
      look();
    });
  }
}
