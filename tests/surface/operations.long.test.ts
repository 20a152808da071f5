import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { resolveConfig } from '../../src/config/resolve.ts';
import { settingList } from '../../src/config/schema.ts';
import { httpClient } from '../helpers/http-client.ts';
import { startServer } from '../helpers/http-server.ts';
import { temporaryFolder, WITH_MODEL } from '../helpers/mcp/server-environment.ts';

/** Runs a command as on a read-only root file system, where only the folder of memories can be written. */
const READ_ONLY_ROOT = [
  ...['unshare', '--map-root-user', '--mount', 'sh', '-c'],
  'mount --bind "$0" "$0" && mount -o remount,bind,ro / && ! touch "$0.beside" 2> /dev/null && exec "$@"',
];

/** Whether this machine lets its users have mounts of their own; with `REQUIRE_MOUNTS` the test fails where not. */
function canMount(): boolean {
  if (process.env['REQUIRE_MOUNTS'] === '1') return true;
  const [command, ...words] = [...READ_ONLY_ROOT, tmpdir(), 'true'];
  return spawnSync(command, words).status === 0;
}

/** Every variable that the program reads. */
const VARIABLES = new Set(
  settingList.flatMap(({ setting }) =>
    setting.secret
      ? [setting.environmentVariable, `${setting.environmentVariable}_FILE`]
      : [setting.environmentVariable],
  ),
);
const COMPOSE_FILES = ['docker-compose.yml', 'docker-compose.minio.yml'];

interface Service {
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly volumes?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, object>>;
  readonly volumes: Readonly<Record<string, null>>;
}

function readCompose(text: string): { compose: Compose; service: Service } {
  const compose = parse(text) as Compose;
  const service = compose.services['faiss-memory'];
  if (service === undefined) throw new Error('there is no service faiss-memory');
  return { compose, service };
}

/** With the settings of sync that are commented out. */
function withSync(text: string): string {
  return text.replaceAll(/^( +)# (CLOUD_SYNC_\w+: )/gm, '$1$2');
}

describe.each(COMPOSE_FILES)('%s', (file) => {
  const text = readFileSync(file, 'utf8');

  test('names only settings that exist, and secrets and volumes that it declares', () => {
    const { compose, service } = readCompose(withSync(text));
    const names = Object.keys(service.environment ?? {});
    expect(names.filter((name) => !VARIABLES.has(name))).toEqual([]);
    expect(service.secrets?.filter((name) => !(name in compose.secrets))).toEqual([]);
    const volumes = service.volumes?.map((volume) => volume.split(':')[0] ?? '') ?? [];
    expect(volumes.filter((name) => !(name in compose.volumes))).toEqual([]);
  });

  test('has values that the program accepts', () => {
    const { service } = readCompose(withSync(text));
    const given = Object.entries(service.environment ?? {});
    const secrets = given.filter(([name]) => name.endsWith('_FILE'));
    const env = Object.fromEntries([
      ...given.filter(([name]) => !name.endsWith('_FILE')),
      ...secrets.map(([name]) => [name.replace(/_FILE$/, ''), 'a-secret-of-the-tests']),
    ]) as Record<string, string>;
    const machine = { platform: 'linux', homeDirectory: '/home/ada', workingDirectory: '/' } as const;
    const { settings } = resolveConfig({ ...machine, env });
    expect(settings.sync).toMatchObject({ enabled: true, mode: 'merge' });
    expect(settings.http.token?.reveal()).toBe('a-secret-of-the-tests');
  });

  test('gives the server no more rights than it needs', () => {
    const { service } = readCompose(text);
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      stop_grace_period: '40s',
    });
  });
});

describe('the Dockerfile', () => {
  const text = readFileSync('Dockerfile', 'utf8');

  test('sets only variables that exist', () => {
    const names = [...text.matchAll(/\b(MEMORY_\w+)=/g)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(2);
    expect(names.filter((name) => !VARIABLES.has(name))).toEqual([]);
  });

  test('copies and calls only what is in the repository', () => {
    const sources = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    expect(sources).toContain('package-lock.json');
    expect(sources.filter((name) => !existsSync(name))).toEqual([]);
    const [, script = ''] = /\bnode (\S+)/.exec(text.replace(/^FROM.*$/gm, '')) ?? [];
    expect(allowedFiles()).toContain(dirname(script));
    expect(existsSync(script)).toBe(true);
    const { bin } = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: Record<string, string> };
    const [, entry = ''] = /^ENTRYPOINT \["(.+)"\]$/m.exec(text) ?? [];
    expect(Object.keys(bin)).toContain(entry);
  });

  test('checks the health of the server', async () => {
    const [, list = '[]'] = /HEALTHCHECK[^[]+(\[.*\])/.exec(text) ?? [];
    const [command = '', ...parameters] = JSON.parse(list) as string[];
    const server = await startServer();
    const check = (port: string) =>
      spawnSync(
        command,
        parameters.map((parameter) => parameter.replace('8765', port)),
      ).status;
    const { port } = new URL(server.address);
    expect(check(port)).toBe(0);
    await server.stop();
    expect(check(port)).toBe(1);
  });

  test('builds from what .dockerignore lets in, and the package runs without a home and without its sources', async () => {
    const folder = temporaryFolder();
    for (const source of allowedFiles()) {
      mkdirSync(dirname(join(folder, source)), { recursive: true });
      cpSync(source, join(folder, source), { recursive: true });
    }
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    const shell = { cwd: folder, encoding: 'utf8', stdio: 'pipe' } as const;
    execFileSync(process.execPath, ['scripts/build.mjs', '--no-types'], shell);
    execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], shell);
    const [archive = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
    for (const source of readdirSync(folder)) {
      if (source !== archive && source !== 'node_modules') rmSync(join(folder, source), { recursive: true });
    }
    execFileSync('tar', ['-xzf', archive], shell);
    const before = filesOf(join(folder, 'package'));
    const program = join(folder, 'package', 'dist', 'bin', 'faiss-memory.js');
    const { address } = await startServer({ program, env: { HOME: '/nonexistent' } });
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ text: 'in a container' });
    expect((await fetch(`${address}/memory/add`, { method: 'POST', headers, body })).status).toBe(201);
    expect((await fetch(`${address}/`)).status).toBe(200);
    expect(filesOf(join(folder, 'package'))).toEqual(before);
  }, 120_000);
});

describe.runIf(canMount())('on a read-only root file system', () => {
  test('serves, finds by meaning, backs up and ends, with all that it writes in its folder', async () => {
    const dataDir = temporaryFolder();
    const server = await startServer({ dataDir, launcher: [...READ_ONLY_ROOT, dataDir], env: WITH_MODEL });
    const api = httpClient(server.address);
    expect(await api.post('/memory/add', { text: 'Ada drinks tea' })).toMatchObject({ status: 201 });
    await expect
      .poll(async () => (await api.post('/search', { query: 'hot drinks', mode: 'vector' })).data['hits'], {
        timeout: 60_000,
      })
      .toMatchObject([{ text: 'Ada drinks tea' }]);
    expect(await api.post('/backup', {})).toMatchObject({ status: 201, data: { outcome: 'written' } });
    expect(await server.stop()).toBe(0);
    expect(existsSync(`${dataDir}.beside`)).toBe(false);
  }, 60_000);
});

/** Exceptions from `**` in .dockerignore; of patterns with a star all that match. */
function allowedFiles(): string[] {
  const names = readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  const found = names.flatMap((name) =>
    name.includes('*')
      ? readdirSync('.').filter((file) =>
          new RegExp(`^${name.replaceAll('.', '\\.').replace('*', '.*')}$`).test(file),
        )
      : [name],
  );
  expect(found.filter((name) => !existsSync(name))).toEqual([]);
  return found;
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
}

describe('contrib/faiss-memory.service', () => {
  test('names only settings that exist', () => {
    const text = readFileSync('contrib/faiss-memory.service', 'utf8');
    const names = [...text.matchAll(/^Environment=(\w+)=/gm)].map(([, name = '']) => name);
    expect(names.filter((name) => !VARIABLES.has(name))).toEqual([]);
    expect(text).toMatch(/^ExecStart=\/usr\/bin\/env faiss-memory serve --http$/m);
  });

  test.runIf(spawnSync('systemd-analyze', ['--version']).status === 0)(
    'has no complaint from systemd',
    () => {
      const { status, stdout, stderr } = spawnSync(
        'systemd-analyze',
        ['--user', 'verify', '--man=no', resolve('contrib/faiss-memory.service')],
        { encoding: 'utf8', env: { ...process.env, XDG_RUNTIME_DIR: temporaryFolder() } },
      );
      // It exits with 0 after an unknown key too.
      expect({ status, printed: stdout + stderr }).toEqual({ status: 0, printed: '' });
    },
  );
});
