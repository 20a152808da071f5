import { execFile } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { PROGRAM, temporaryFolder } from '../helpers/mcp/server-environment.ts';

/** One for all tests here, because the program that init installs is 100 MB. */
const share = mkdtempSync(join(tmpdir(), 'faiss-memory-init-'));
afterAll(() => {
  rmSync(share, { recursive: true, force: true, maxRetries: 5 });
});
const STDIO = {
  command: process.execPath,
  args: [join(share, 'faiss-memory', 'app', 'faiss-memory.mjs')],
};

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs init on a machine whose home is `home`. */
function init(home: string, ...options: string[]): Promise<Finished> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    USERPROFILE: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_DATA_HOME: share,
    LOCALAPPDATA: share,
    CODEX_HOME: join(home, 'codex'),
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, 'init', ...options], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

function put(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

describe('faiss-memory init', () => {
  test('shows the change, keeps the old file, changes nothing twice, and takes it out again', async () => {
    const home = temporaryFolder();
    const text = '# mine\nmodel = "o5" # keep\n';
    const file = put(join(home, 'codex/config.toml'), text);
    const shown = await init(home, '--dry-run');
    expect(shown.stdout).toContain('+[mcp_servers.faiss-memory]');
    expect(readFileSync(file, 'utf8')).toBe(text);

    expect((await init(home, '--yes')).code).toBe(0);
    const installed = readFileSync(file, 'utf8');
    expect(installed.startsWith(text)).toBe(true);
    const [backup = ''] = readdirSync(dirname(file)).filter((name) => name.includes('.backup-'));
    expect(readFileSync(join(dirname(file), backup), 'utf8')).toBe(text);

    expect((await init(home, '--yes')).stdout).toContain('nothing to change');
    expect(readFileSync(file, 'utf8')).toBe(installed);
    expect((await init(home, '--uninstall', '--yes')).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test.skipIf(process.platform !== 'linux').each([
    [
      'claude-desktop',
      '.config/Claude/claude_desktop_config.json',
      { mcpServers: { 'faiss-memory': STDIO } },
    ],
    ['claude-code', '.claude.json', { mcpServers: { 'faiss-memory': { type: 'stdio', ...STDIO } } }],
    ['cursor', '.cursor/mcp.json', { mcpServers: { 'faiss-memory': STDIO } }],
    ['vs-code', '.config/Code/User/mcp.json', { servers: { 'faiss-memory': { type: 'stdio', ...STDIO } } }],
    ['gemini-cli', '.gemini/settings.json', { mcpServers: { 'faiss-memory': STDIO } }],
    ['windsurf', '.codeium/windsurf/mcp_config.json', { mcpServers: { 'faiss-memory': STDIO } }],
  ])('creates the file of %s', async (client, path, expected) => {
    const home = temporaryFolder();
    const { code, stdout } = await init(home, '--client', client, '--yes', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ applied: true, clients: [{ client, outcome: 'changed' }] });
    expect(JSON.parse(readFileSync(join(home, path), 'utf8'))).toEqual(expected);
  });

  test('sets hooks when it is told to, once, and takes them out again with the server or alone', async () => {
    const home = temporaryFolder();
    const own = { model: 'x', hooks: { Stop: [{ hooks: [{ type: 'command', command: 'say done' }] }] } };
    const settings = put(join(home, '.claude/settings.json'), `${JSON.stringify(own, null, 2)}\n`);
    const before = readFileSync(settings, 'utf8');
    const gemini = put(join(home, '.gemini/settings.json'), '{\n  // mine\n}\n');
    const clients = ['--client', 'claude-code', '--client', 'gemini-cli'];
    const shown = await init(home, ...clients, '--hooks', 'on', '--dry-run');
    expect(shown.stdout).toContain('UserPromptSubmit');
    expect(shown.stdout).toContain('hook prompt --client gemini-cli');
    expect(readFileSync(settings, 'utf8')).toBe(before);

    expect((await init(home, ...clients, '--hooks', 'on', '--yes')).code).toBe(0);
    const withHooks = readFileSync(settings, 'utf8');
    const { hooks } = JSON.parse(withHooks) as { hooks: Record<string, { hooks: unknown[] }[]> };
    expect(hooks['UserPromptSubmit']?.[0]?.hooks).toEqual([
      {
        type: 'command',
        command: process.execPath,
        args: [...STDIO.args, 'hook', 'prompt', '--client', 'claude-code'],
        timeout: 12,
      },
    ]);
    expect(hooks['Stop']).toEqual([...own.hooks.Stop, expect.anything()]);
    expect(readFileSync(gemini, 'utf8')).toMatch(/\/\/ mine[^]*"mcpServers"[^]*"BeforeAgent"/);
    for (const again of [['--hooks', 'on'], []]) {
      expect((await init(home, ...clients, ...again, '--yes')).stdout).toContain('nothing to change');
      expect(readFileSync(settings, 'utf8')).toBe(withHooks);
    }

    expect((await init(home, '--client', 'claude-code', '--hooks', 'off', '--yes')).code).toBe(0);
    expect(readFileSync(settings, 'utf8')).toBe(before);
    expect(readFileSync(join(home, '.claude.json'), 'utf8')).toContain('faiss-memory');
    expect((await init(home, ...clients, '--uninstall', '--yes')).code).toBe(0);
    expect(readFileSync(gemini, 'utf8')).toMatch(/^\{\n  \/\/ mine\n/);
    expect(readFileSync(gemini, 'utf8')).not.toMatch(/faiss-memory|hooks/);
    expect(readFileSync(join(home, '.claude.json'), 'utf8')).not.toContain('faiss-memory');
  });

  test('changes no file when one cannot be understood', async () => {
    const home = temporaryFolder();
    const broken = put(join(home, '.cursor/mcp.json'), '{"mcpServers": {');
    const good = put(join(home, 'codex/config.toml'), '');
    const { code, stderr } = await init(home, '--yes');
    expect(code).toBe(2);
    expect(stderr).toContain(broken);
    expect(readFileSync(broken, 'utf8')).toBe('{"mcpServers": {');
    expect(readFileSync(good, 'utf8')).toBe('');
    expect(readdirSync(dirname(good))).toEqual(['config.toml']);
  });

  test('keeps the mode and a link', async () => {
    const home = temporaryFolder();
    const target = put(join(home, 'dotfiles/mcp.json'), '{ // mine\n}\n');
    chmodSync(target, 0o640);
    mkdirSync(join(home, '.cursor'));
    const link = join(home, '.cursor/mcp.json');
    symlinkSync(target, link);
    expect((await init(home, '--yes')).code).toBe(0);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, 'utf8')).toMatch(/^\{ \/\/ mine\n[^]*"faiss-memory"/);
    if (process.platform !== 'win32') expect(statSync(target).mode & 0o777).toBe(0o640);
  });

  test('passes settings on to the server', async () => {
    const home = temporaryFolder();
    const folder = join(home, 'memories');
    expect((await init(home, '--client', 'cursor', '--yes', '--data-dir', folder)).code).toBe(0);
    const { mcpServers } = JSON.parse(readFileSync(join(home, '.cursor/mcp.json'), 'utf8')) as {
      mcpServers: unknown;
    };
    expect(mcpServers).toEqual({ 'faiss-memory': { ...STDIO, env: { MEMORY_DATA_DIR: folder } } });
  });

  test('asks first, and says so when nobody can answer or no client is there', async () => {
    const home = temporaryFolder();
    expect(await init(home)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--client') as string,
    });
    const file = put(join(home, '.cursor/mcp.json'), '{}\n');
    expect(await init(home)).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') as string });
    expect(readFileSync(file, 'utf8')).toBe('{}\n');
  });
});
