import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROGRAM, temporaryFolder } from '../helpers/mcp/server-environment.ts';

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Machine {
  readonly home: string;
  readonly app: string;
  readonly run: (...args: readonly string[]) => Promise<Finished>;
  /** The installed program, as clients start it. */
  readonly installed: (...args: readonly string[]) => Promise<Finished>;
}

/** A user who has Cursor and nothing else. */
function machine(): Machine {
  const home = temporaryFolder();
  mkdirSync(join(home, '.cursor'));
  const app = join(home, 'share/faiss-memory/app');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    USERPROFILE: home,
    XDG_DATA_HOME: join(home, 'share'),
    LOCALAPPDATA: join(home, 'share'),
    MEMORY_EMBEDDING_PROVIDER: 'none',
  };
  const start =
    (program: string) =>
    (...args: readonly string[]): Promise<Finished> =>
      new Promise((resolve) => {
        execFile(process.execPath, [program, ...args], { env, cwd: home }, (error, stdout, stderr) => {
          resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
        });
      });
  return { home, app, run: start(PROGRAM), installed: start(join(app, 'faiss-memory.mjs')) };
}

/** A folder of this program that says it is another version. */
function otherVersion(version: string): string {
  const folder = join(temporaryFolder(), 'faiss-memory');
  for (const part of ['dist', 'models', 'vendor']) cpSync(part, join(folder, part), { recursive: true });
  const facts = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, unknown>;
  // Optional packages, which this repository has for its tests, would be copied too.
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ ...facts, version, peerDependencies: undefined }),
  );
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'), 'junction');
  return folder;
}

describe('an installed program', () => {
  test('is started by the client with node alone, keeps the memories when it goes, and leaves nothing else', async () => {
    const { home, app, run, installed } = machine();
    expect(await run('init', '--yes')).toMatchObject({ code: 0 });
    const config = JSON.parse(readFileSync(join(home, '.cursor/mcp.json'), 'utf8')) as object;
    const launcher = join(app, 'faiss-memory.mjs');
    expect(config).toEqual({
      mcpServers: { 'faiss-memory': { command: process.execPath, args: [launcher] } },
    });

    expect(await installed('add', 'The spare key is at the neighbours')).toMatchObject({ code: 0 });
    expect((await installed('search', 'spare key')).stdout).toContain('neighbours');
    expect((await run('init', '--yes')).stdout).toContain('nothing to change');
    const { stdout } = await installed('doctor', '--json');
    const { findings } = JSON.parse(stdout) as {
      findings: { check: string; status: string; message: string }[];
    };
    const cursor = findings.find(({ check }) => check === 'Cursor');
    expect(cursor?.status).toBe('ok');
    expect(cursor?.message).toMatch(/with 10 tools after \d+ ms$/);

    expect(await installed('init', '--uninstall', '--yes')).toMatchObject({ code: 0 });
    expect(existsSync(app)).toBe(false);
    expect((await run('search', 'spare key')).stdout).toContain('neighbours');
  });

  test('is upgraded beside a running server, goes back, and refuses an older version', async () => {
    const { app, run, installed, home } = machine();
    await run('init', '--yes');
    const server = spawn(process.execPath, [join(app, 'faiss-memory.mjs')], {
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        MEMORY_DATA_DIR: join(home, 'd'),
        MEMORY_EMBEDDING_PROVIDER: 'none',
      },
    });
    const upgraded = await installed('upgrade', '--from', otherVersion('0.10.0'));
    expect(upgraded).toMatchObject({ code: 0 });
    expect((await installed('--version')).stdout.trim()).toBe('0.10.0');
    expect((await run('upgrade')).stderr).toContain('is older than 0.10.0');
    // What was running still answers with code that it loads late.
    expect(await answerOf(server, 'memory_stats')).toContain('live');

    expect((await installed('upgrade', '--back')).stdout).toContain('Clients start 0.1.0 again.');
    expect((await installed('--version')).stdout.trim()).toBe('0.1.0');
  });

  test('is left alone by a version that does not start', async () => {
    const { run, installed, app } = machine();
    await run('init', '--yes');
    const broken = otherVersion('0.11.0');
    writeFileSync(
      join(broken, 'dist/bin/faiss-memory.js'),
      'process.stderr.write("no luck");process.exit(7);',
    );
    const { code, stderr } = await run('upgrade', '--from', broken);
    expect(code).toBe(1);
    expect(stderr).toContain('exit code 7: no luck');
    expect((await installed('--version')).stdout.trim()).toBe('0.1.0');
    expect(readdirSync(app).sort()).toEqual(['0.1.0', 'faiss-memory.mjs', 'versions.json']);
  });

  test('is not installed from something else', async () => {
    const { run, home } = machine();
    await run('init', '--yes');
    writeFileSync(join(home, 'notes.txt'), 'not a package');
    for (const path of ['nowhere.tgz', '.cursor', 'notes.txt']) {
      const { code, stderr } = await run('upgrade', '--from', path);
      expect(code).toBe(2);
      expect(stderr).toContain(path);
      expect(stderr).toContain('Fix: Name a package file or a folder');
    }
  });
});

/** Calls a tool of a server that has not been spoken to. */
async function answerOf(server: ReturnType<typeof spawn>, tool: string): Promise<string> {
  const { stdin, stdout } = server;
  if (stdin === null || stdout === null) throw new Error('the server has no pipes');
  const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } };
  for (const message of [
    { id: 1, method: 'initialize', params: hello },
    { method: 'notifications/initialized' },
    { id: 2, method: 'tools/call', params: { name: tool, arguments: {} } },
  ]) {
    stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }
  let text = '';
  for await (const data of stdout) {
    text += String(data);
    if (text.includes('"id":2')) break;
  }
  stdin.end();
  await once(server, 'close');
  return text;
}
