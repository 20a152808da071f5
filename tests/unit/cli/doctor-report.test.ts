import { expect, test } from 'vitest';
import { environmentOf } from '../../../src/cli/doctor/clients-check.ts';
import { reportText } from '../../../src/cli/doctor/report.ts';
import { stableNode } from '../../../src/cli/install/installation.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';

const ada = { platform: 'linux', homeDirectory: '/home/ada', workingDirectory: '/home/ada/work' } as const;

test('a report names no home, no bucket and no secret', () => {
  const config = resolveConfig({
    ...ada,
    env: {
      CLOUD_SYNC_ENABLED: 'true',
      CLOUD_SYNC_BUCKET: 'adas-diary',
      CLOUD_SYNC_PASSPHRASE: 'seven tired herons cross the harbour',
      MEMORY_HTTP_PORT: '9999',
    },
  });
  const findings = [{ check: 'database', status: 'ok', message: 'intact: /home/ada/memory.sqlite' }] as const;
  const text = reportText({ findings, config, host: ada });
  expect(text).not.toMatch(/ada|herons/);
  expect(text).toContain('intact: ~/memory.sqlite');
  expect(JSON.parse(text)).toMatchObject({
    settings: {
      CLOUD_SYNC_ENABLED: { source: 'environment', value: true },
      CLOUD_SYNC_BUCKET: { source: 'environment', value: 'set' },
      MEMORY_HTTP_PORT: { source: 'environment', value: 9999 },
    },
  });
});

test('the path of node outlives an update where the package manager has a lasting one', () => {
  const same = (): string => 'the same file';
  expect(stableNode('/opt/homebrew/Cellar/node/25.1.0/bin/node', 'darwin', same)).toBe(
    '/opt/homebrew/opt/node/bin/node',
  );
  expect(stableNode('/usr/local/Cellar/node@22/22.3.1/bin/node', 'darwin', same)).toBe(
    '/usr/local/opt/node@22/bin/node',
  );
  expect(stableNode('/snap/node/9000/bin/node', 'linux', same)).toBe('/snap/node/current/bin/node');
  for (const path of ['/usr/bin/node', '/home/ada/.nvm/versions/node/v22.1.0/bin/node']) {
    expect(stableNode(path, 'linux', same)).toBe(path);
  }
  expect(stableNode('C:\\Program Files\\nodejs\\node.exe', 'win32', same)).toBe(
    'C:\\Program Files\\nodejs\\node.exe',
  );
  const other = (path: string): string => path;
  const kept = '/opt/homebrew/Cellar/node/25.1.0/bin/node';
  expect(stableNode(kept, 'darwin', other)).toBe(kept);
});

test('Claude Desktop on macOS starts the server without the PATH of the shell', () => {
  const env = { PATH: '/home/ada/.nvm/bin', LANG: 'C' };
  const desktop = { name: 'claude-desktop' };
  expect(environmentOf(desktop, { env, platform: 'darwin' })['PATH']).toContain('/opt/homebrew/bin');
  expect(environmentOf(desktop, { env, platform: 'win32' })).toBe(env);
  expect(environmentOf({ name: 'cursor' }, { env, platform: 'darwin' })).toBe(env);
});
