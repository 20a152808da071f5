import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { isGoodEnough, openDatabase } from '../../../src/store/sqlite/engine.ts';
import { bundleProgram } from '../../helpers/bundle.ts';

class FakeDatabase {
  readonly #version: string;
  readonly #statement: object;

  constructor(version: string, statement: object) {
    this.#version = version;
    this.#statement = statement;
  }

  exec(): void {
    if (this.#version === 'without FTS5') throw new Error('no such module: fts5');
  }

  prepare(): object {
    return { get: () => ({ version: this.#version }), ...this.#statement };
  }

  close(): void {
    // There is nothing to close.
  }
}

function engine(version: string, statement: object = { setReturnArrays: true }): never {
  // As much of the interface as the trial uses.
  return { DatabaseSync: FakeDatabase.bind(null, version, statement) } as never;
}

describe('SQLite of Node.js', () => {
  test.each([
    ['3.51.3', true],
    ['3.53.0', true],
    ['4.0.0', true],
    ['3.51.2', false],
    ['3.9.0', false],
    ['without FTS5', false],
  ])('of version %s: %s', (version, good) => {
    expect(isGoodEnough(engine(version))).toBe(good);
  });

  test('is not taken from a Node.js that cannot return rows as arrays', () => {
    expect(isGoodEnough(engine('3.53.0', {}))).toBe(false);
  });
});

test('the engine of this process is new enough, and changes no function of the process', () => {
  const before = Object.getOwnPropertyDescriptor(process, 'emitWarning');
  const database = openDatabase(':memory:');
  const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string };
  database.close();
  expect(isGoodEnough(engine(version))).toBe(true);
  expect(Object.getOwnPropertyDescriptor(process, 'emitWarning')).toEqual(before);
});

describe('a program', () => {
  let program: string;
  beforeAll(async () => {
    program = await bundleProgram('helpers/open-database.ts');
  });

  test('writes nothing to stderr but the warnings of others', () => {
    const { stdout, stderr } = run(program, []);
    expect(stdout).toBe('opened\n');
    expect(stderr.trim().split('\n')[0]).toMatch(/Warning: another one$/);
    expect(stderr).not.toContain('SQLite');
  });

  test('says what to install where neither engine is there', () => {
    const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-engine-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true });
    });
    const alone = join(folder, 'program.mjs');
    copyFileSync(program, alone);
    const { stdout } = run(alone, withoutOwnEngine());
    expect(stdout).toContain('STORE_UNAVAILABLE');
    expect(stdout).toContain('no SQLite that is new enough');
    expect(stdout).toContain('without "--omit=optional"');
  });
});

function run(program: string, options: readonly string[]): { stdout: string; stderr: string } {
  return spawnSync(process.execPath, [...options, program], { encoding: 'utf8' });
}

/** Node.js 20 does not know the option, and needs none. */
function withoutOwnEngine(): string[] {
  return process.allowedNodeEnvironmentFlags.has('--experimental-sqlite') ? ['--no-experimental-sqlite'] : [];
}
