import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../src/store/sqlite/engine.ts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { runProgram, type ProgramRun } from '../helpers/run-program.ts';
import { readOnlyView, smallDisk } from '../helpers/small-disk.ts';

interface Finding {
  readonly check: string;
  readonly status: string;
  readonly message: string;
  readonly fix?: string;
}

async function failuresOf(memories: string, env: Readonly<Record<string, string>> = {}): Promise<Finding[]> {
  const run = await runProgram(['doctor', '--json'], {
    dataDir: temporaryFolder(),
    env: { MEMORY_DATA_DIR: memories, ...env },
  });
  const { findings } = JSON.parse(run.stdout) as { findings: Finding[] };
  const failures = findings.filter(({ status }) => status === 'fail');
  expect(run.code).toBe(failures.length === 0 ? 0 : 1);
  for (const failure of failures) expect(failure.fix).toMatch(/\.$/);
  return failures;
}

function add(memories: string, env: Readonly<Record<string, string>> = {}): Promise<ProgramRun> {
  return runProgram(['add', 'a memory'], {
    dataDir: temporaryFolder(),
    env: { MEMORY_DATA_DIR: memories, ...env },
  });
}

describe('a data folder that cannot be used', () => {
  test.each([
    ['/proc/faiss-memory', /cannot be opened/],
    ['/proc/1/faiss-memory/deep', /cannot be (opened|written)/],
    ['/dev/null/faiss-memory', /is a file, not a folder/],
    ['/sys/faiss-memory', /cannot be written/],
    ['/etc/passwd', /is a file, not a folder/],
  ])('%s is refused at once, by every command and by doctor', async (memories, message) => {
    expect(await failuresOf(memories)).toEqual([
      expect.objectContaining({
        check: 'data folder',
        message: expect.stringMatching(message) as string,
        fix: expect.stringContaining('MEMORY_DATA_DIR') as string,
      }),
    ]);
    const { code, stderr } = await add(memories);
    expect({ code, said: message.test(stderr) }).toEqual({ code: 4, said: true });
  });

  test('with links in a circle, or with names too long for the disk, is refused as such', async () => {
    const parent = temporaryFolder();
    symlinkSync('there', join(parent, 'here'));
    symlinkSync('here', join(parent, 'there'));
    for (const [name, problem] of [
      ['here', 'lead in a circle'],
      ['here/memories', 'lead in a circle'],
      ['long'.repeat(100), 'too long'],
    ] as const) {
      const memories = join(parent, name);
      const failed = { message: expect.stringContaining(problem) as string };
      expect(await failuresOf(memories)).toEqual([expect.objectContaining(failed)]);
      const { code, stderr } = await add(memories);
      expect({ code, said: stderr.includes(problem), chmod: stderr.includes('chmod') }).toEqual({
        code: 4,
        said: true,
        chmod: false,
      });
    }
  });

  test('on a read-only disk is red until the disk is writable', async () => {
    const folder = temporaryFolder();
    const [failure] = await failuresOf(readOnlyView(folder));
    expect(failure).toMatchObject({
      check: 'data folder',
      message: expect.stringContaining('read-only') as string,
    });
    expect(await failuresOf(folder)).toEqual([]);
  });

  test('on a full disk is red until there is space', async () => {
    const disk = smallDisk(1_024);
    const ballast = join(disk, 'ballast');
    writeFileSync(ballast, Buffer.alloc(1_000_000));
    const [failure] = await failuresOf(disk);
    expect(failure).toMatchObject({
      check: 'data folder',
      message: expect.stringContaining('No space') as string,
    });
    rmSync(ballast);
    expect(await failuresOf(disk)).toEqual([]);
    expect((await add(disk)).code).toBe(0);
  });

  test('leaves nothing behind where it can be made', async () => {
    const parent = temporaryFolder();
    expect(await failuresOf(join(parent, 'a', 'b'))).toEqual([]);
    expect(readdirSync(parent)).toEqual([]);
  });

  test('of root is red for others, with a command that helps', async () => {
    const shell = 'setpriv --reuid 54321 --clear-groups $FAISS_MEMORY';
    const parent = temporaryFolder();
    chmodSync(parent, 0o755);
    const filled = join(parent, 'filled');
    await add(filled);
    for (const memories of [filled, join(parent, 'new')]) {
      const run = (command: string): Promise<ProgramRun> =>
        runProgram([], {
          dataDir: parent,
          env: { MEMORY_DATA_DIR: memories, HOME: '/nonexistent' },
          shell: command,
        });
      const { stdout, code } = await run(`${shell} doctor`);
      expect(code).toBe(1);
      const [, command = ''] = /\(as root: ([^)]+)\)/.exec(stdout) ?? [];
      expect((await run(`${command} && ${shell} add works`)).code).toBe(0);
    }
  });

  test('that its owner may not write is red, with a command that helps', async () => {
    const memories = temporaryFolder();
    const shell = 'setpriv --reuid 54321 --clear-groups $FAISS_MEMORY';
    const env = { MEMORY_DATA_DIR: memories, HOME: '/nonexistent' };
    const asOther = (command: string): Promise<ProgramRun> =>
      runProgram([], { dataDir: memories, env, shell: command });
    chmodSync(memories, 0o500);
    chownSync(memories, 54_321, 54_321);
    const { stdout, code } = await asOther(`${shell} doctor`);
    expect(code).toBe(1);
    const command = /chmod u\+rwX "[^"]+"/.exec(stdout)?.[0] ?? '';
    expect((await asOther(`${command} && ${shell} add works`)).code).toBe(0);
  });
});

describe('locks', () => {
  test('that the file system refuses are named as such, at once', async () => {
    const [memories, elsewhere] = [temporaryFolder(), temporaryFolder()];
    await add(memories);
    // ENOLCK, which SQLite reports like a lock of another process, ENOTSUP, and EPERM, which it reports like a mode.
    for (const errno of [37, 95, 1]) {
      const env = { LD_PRELOAD: lockShim(), LOCK_ERRNO: String(errno) };
      expect(await failuresOf(memories, env)).toEqual([
        expect.objectContaining({ message: expect.stringContaining('refuses to lock files') as string }),
      ]);
      const { code, stderr } = await add(memories, env);
      expect(code).toBe(4);
      expect(stderr).toMatch(
        /refuses to lock files.*\nFix: Choose a folder on a local disk with MEMORY_DATA_DIR/,
      );
      expect(stderr).not.toContain('another process');
      const backup = await runProgram(['backup'], {
        dataDir: memories,
        env: { ...env, MEMORY_DATA_DIR: memories },
      });
      expect(backup.stderr).toContain('refuses to lock files');
    }
    expect((await add(elsewhere)).code).toBe(0);
  });

  test('that never answer end doctor all the same', async () => {
    const env = { LD_PRELOAD: lockShim(), LOCK_ERRNO: '-1' };
    expect(await failuresOf(temporaryFolder(), env)).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(/locking a new file did not end within \d+ s/) as string,
      }),
    ]);
  }, 60_000);

  test('of another process are still named as such', async () => {
    const memories = temporaryFolder();
    await add(memories);
    const other = openDatabase(join(memories, 'memory.sqlite'));
    other.exec('BEGIN IMMEDIATE');
    expect(await failuresOf(memories)).toEqual([
      expect.objectContaining({ message: expect.stringContaining('locked by another process') as string }),
    ]);
    other.close();
    expect(await failuresOf(memories)).toEqual([]);
  }, 60_000);
});

/** A library that fails every lock with the error number in `LOCK_ERRNO`; with -1 it never answers. Needs gcc. */
function lockShim(): string {
  const folder = temporaryFolder();
  const source = join(folder, 'locks.c');
  writeFileSync(
    source,
    `#define _GNU_SOURCE
     #include <dlfcn.h>
     #include <errno.h>
     #include <fcntl.h>
     #include <stdarg.h>
     #include <stdlib.h>
     #include <unistd.h>
     static int call(const char *name, int file, int command, void *argument) {
       if (command == F_SETLK || command == F_SETLKW || command == F_GETLK) {
         errno = atoi(getenv("LOCK_ERRNO"));
         while (errno < 0) pause();
         return -1;
       }
       int (*real)(int, int, ...) = dlsym(RTLD_NEXT, name);
       return real(file, command, argument);
     }
     #define SHIM(name) int name(int file, int command, ...) { \\
       va_list rest; va_start(rest, command); void *argument = va_arg(rest, void *); va_end(rest); \\
       return call(#name, file, command, argument); }
     SHIM(fcntl)
     SHIM(fcntl64)`,
  );
  const library = join(folder, 'locks.so');
  execFileSync('gcc', ['-shared', '-fPIC', '-o', library, source, '-ldl'], { stdio: 'pipe' });
  return library;
}

test('ends within a minute when the embedding endpoint never answers', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const memories = temporaryFolder();
  const env = {
    MEMORY_EMBEDDING_PROVIDER: 'openai',
    MEMORY_EMBEDDING_BASE_URL: `http://127.0.0.1:${port}/v1`,
  };
  const failures = await failuresOf(memories, env);
  expect(failures.map(({ check }) => check)).toEqual(['model']);
}, 70_000);

describe('the home folder', () => {
  const local = join('.local', 'share', 'faiss-memory');
  const account = join(userInfo().homedir, local);

  test.each([
    ['an empty HOME', { HOME: '' }],
    ['a relative HOME', { HOME: 'home' }],
    ['a HOME that is a dot', { HOME: '.' }],
    ['a relative XDG_DATA_HOME as well', { HOME: '', XDG_DATA_HOME: 'data' }],
  ])('is that of the account with %s', async (_, env) => {
    const options = { dataDir: temporaryFolder(), env: { MEMORY_DATA_DIR: '', ...env } };
    const { stdout } = await runProgram(['config', '--json'], options);
    expect(stdout).toContain(JSON.stringify(account));
  });

  test('may be unknown only when nothing needs it', async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o777);
    const unknown = (env: Readonly<Record<string, string>>, command: string): Promise<ProgramRun> =>
      runProgram([], {
        dataDir: folder,
        env: { HOME: '', XDG_CONFIG_HOME: '', MEMORY_DATA_DIR: '', ...env },
        shell: `cd ${folder} && setpriv --reuid 54321 --clear-groups $FAISS_MEMORY ${command}`,
      });
    for (const [env, command] of [
      [{}, 'add lost'],
      [{ MEMORY_DATA_DIR: '~/memories' }, 'add lost'],
      [{ MEMORY_DATA_DIR: join(folder, 'memories') }, 'init --yes'],
    ] as const) {
      const { code, stderr } = await unknown(env, command);
      expect(code).toBe(2);
      expect(stderr).toContain('set HOME, or set MEMORY_DATA_DIR');
    }
    expect(readdirSync(folder)).toEqual([]);
    expect((await unknown({ MEMORY_DATA_DIR: join(folder, 'memories') }, 'add kept')).code).toBe(0);
  });

  test('that is refused as a relative data folder is named', async () => {
    const { code, stderr } = await runProgram(['stats'], {
      dataDir: temporaryFolder(),
      env: { MEMORY_DATA_DIR: 'data' },
    });
    expect(code).toBe(2);
    expect(stderr).toContain('environment variable MEMORY_DATA_DIR');
    expect(existsSync('data')).toBe(false);
  });
});

test('counts that are wrong are told, and made anew with --fix, without a change of a memory', async () => {
  const memories = temporaryFolder();
  const env = { MEMORY_EMBEDDING_PROVIDER: 'none' };
  await add(memories, env);
  const database = openDatabase(join(memories, 'memory.sqlite'));
  database.exec(`UPDATE total_count SET count = 9; INSERT INTO tag_count VALUES ('ghost', 3)`);
  database.close();
  const fix = expect.stringContaining('doctor --fix') as string;
  expect(await failuresOf(memories, env)).toEqual([expect.objectContaining({ check: 'database', fix })]);
  const repaired = await runProgram(['doctor', '--fix', '--json'], {
    dataDir: temporaryFolder(),
    env: { MEMORY_DATA_DIR: memories, ...env },
  });
  expect(repaired.stdout).toContain('counted anew: the table tag_count');
  expect(repaired.stderr).not.toContain('Checking');
  expect(await failuresOf(memories, env)).toEqual([]);
});
