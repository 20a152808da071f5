import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { providerPresets } from '../../../src/blob/s3/provider-presets.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { type Settings, SYNC_PROVIDERS } from '../../../src/config/schema.ts';
import { ConfigurationError } from '../../../src/errors/input-errors.ts';
import { toBlobSettings } from '../../../src/app/backup-and-sync.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

type Environment = Readonly<Record<string, string>>;

function settingsOf(env: Environment): Settings {
  const machine = { platform: 'linux', homeDirectory: '/home/ada', workingDirectory: '/home/ada' } as const;
  return resolveConfig({ ...machine, env }).settings;
}

function problemsOf(env: Environment): string[] {
  try {
    settingsOf(env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message.split('\n');
    throw error;
  }
  return [];
}

const KEYS = { CLOUD_SYNC_ACCESS_KEY: 'the-access-key', CLOUD_SYNC_SECRET_KEY: 'the-secret-key' };

describe('the settings of sync', () => {
  test('are read from the names that users know', () => {
    const { sync } = settingsOf({
      ...KEYS,
      CLOUD_SYNC_ENABLED: 'true',
      CLOUD_SYNC_PROVIDER: 'S3',
      CLOUD_SYNC_BUCKET: 'memories',
      CLOUD_SYNC_PREFIX: 'mine/',
      CLOUD_SYNC_REGION: 'eu-central-1',
      CLOUD_SYNC_ENDPOINT: 'https://s3.example.org/',
      CLOUD_SYNC_PASSPHRASE: 'seven tired herons',
      CLOUD_SYNC_SCHEDULE: '0 3 * * *',
      CLOUD_SYNC_MODE: 'merge',
      MEMORY_SYNC_PATH_STYLE: 'no',
      MEMORY_SYNC_ACCOUNT_ID: 'account',
    });
    const { accessKey, secretKey, passphrase, ...others } = sync;
    expect(others).toEqual({
      enabled: true,
      provider: 's3',
      bucket: 'memories',
      prefix: 'mine/',
      region: 'eu-central-1',
      endpoint: 'https://s3.example.org',
      schedule: '0 3 * * *',
      mode: 'merge',
      pathStyle: false,
      accountId: 'account',
    });
    const secrets = [accessKey, secretKey, passphrase].map((secret) => secret?.reveal());
    expect(secrets).toEqual(['the-access-key', 'the-secret-key', 'seven tired herons']);
    expect(JSON.stringify(sync)).not.toMatch(/the-|herons/);
  });

  test('take secrets from files', () => {
    const fileWith = (content: string): string => {
      const path = join(folder, content);
      writeFileSync(path, `${content}\n`);
      return path;
    };
    const { sync } = settingsOf({
      CLOUD_SYNC_ACCESS_KEY_FILE: fileWith('one'),
      CLOUD_SYNC_SECRET_KEY_FILE: fileWith('two'),
      CLOUD_SYNC_PASSPHRASE_FILE: fileWith('three'),
    });
    const { accessKey, secretKey, passphrase } = sync;
    expect([accessKey, secretKey, passphrase].map((secret) => secret?.reveal())).toEqual([
      'one',
      'two',
      'three',
    ]);
  });

  test.each([
    ['true', true],
    ['1', true],
    ['Yes', true],
    [' on ', true],
    ['false', false],
    ['0', false],
    ['no', false],
    ['OFF', false],
    ['', false],
  ])('CLOUD_SYNC_ENABLED=%j means %j', (raw, enabled) => {
    const { sync } = settingsOf({ CLOUD_SYNC_ENABLED: raw, CLOUD_SYNC_BUCKET: 'memories' });
    expect(sync.enabled).toBe(enabled);
  });

  test('are unset by empty texts', () => {
    const names = ['PROVIDER', 'BUCKET', 'PREFIX', 'REGION', 'ENDPOINT', 'ACCESS_KEY', 'SECRET_KEY'];
    const more = ['PASSPHRASE', 'SCHEDULE', 'MODE', 'ACCESS_KEY_FILE', 'SECRET_KEY_FILE', 'PASSPHRASE_FILE'];
    const env = Object.fromEntries([...names, ...more].map((name) => [`CLOUD_SYNC_${name}`, '']));
    expect(settingsOf(env)).toEqual(settingsOf({}));
  });

  test('offer every provider that there is', () => {
    const ways: readonly string[] = ['s3', 'gcs', 'azure', 'folder'];
    expect(new Set(SYNC_PROVIDERS)).toEqual(new Set([...ways, ...Object.keys(providerPresets)]));
  });
});

describe('wrong settings of sync are named with their remedy', () => {
  test.each<[string, Environment, RegExp]>([
    [
      'on without a bucket',
      { CLOUD_SYNC_ENABLED: '1' },
      /^sync\.bucket is missing, and sync is on \(environment variable CLOUD_SYNC_ENABLED\); set CLOUD_SYNC_BUCKET to the name/,
    ],
    [
      'half a pair of keys',
      { CLOUD_SYNC_ACCESS_KEY: 'the-access-key' },
      /^sync\.secretKey is missing .*CLOUD_SYNC_ACCESS_KEY\); set CLOUD_SYNC_SECRET_KEY \(or CLOUD_SYNC_SECRET_KEY_FILE\)/,
    ],
    [
      'the other half',
      { CLOUD_SYNC_SECRET_KEY: 'the-secret-key' },
      /^sync\.accessKey is missing .*set CLOUD_SYNC_ACCESS_KEY/,
    ],
    ['an unknown provider', { CLOUD_SYNC_PROVIDER: 'dropbox' }, /CLOUD_SYNC_PROVIDER.*one of s3, gcs, azure/],
    ['a wrong switch', { CLOUD_SYNC_ENABLED: 'maybe' }, /"maybe".*true, 1, yes or on/],
    ['a wrong mode', { CLOUD_SYNC_MODE: 'both' }, /one of backup, merge/],
    ['a schedule that is none', { CLOUD_SYNC_SCHEDULE: 'daily at 3' }, /"daily at 3".*a cron schedule/],
    ['a schedule that never comes', { CLOUD_SYNC_SCHEDULE: '0 0 30 2 *' }, /a cron schedule/],
    ['an endpoint without a protocol', { CLOUD_SYNC_ENDPOINT: 'minio' }, /an address such as/],
    ['a folder that is a name', { CLOUD_SYNC_PROVIDER: 'folder', CLOUD_SYNC_BUCKET: 'nas' }, /absolute path/],
    ['a bucket that is a path', { CLOUD_SYNC_BUCKET: '/mnt/nas' }, /CLOUD_SYNC_PROVIDER=folder/],
    ['a server without an address', on('minio', {}), /CLOUD_SYNC_ENDPOINT/],
    ['R2 without an account', on('r2', {}), /MEMORY_SYNC_ACCOUNT_ID/],
    ['Azure without an account', on('azure', {}), /CLOUD_SYNC_ACCESS_KEY/],
    ['keys for Google', on('gcs', KEYS), /GOOGLE_APPLICATION_CREDENTIALS/],
  ])('%s', (_, env, expected) => {
    const problems = problemsOf(env);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
    expect(problems[0]).not.toContain('the-');
  });

  test('a secret given directly and as a file', () => {
    const path = join(folder, 'passphrase');
    writeFileSync(path, 'x');
    const env = { CLOUD_SYNC_PASSPHRASE: 'y', CLOUD_SYNC_PASSPHRASE_FILE: path };
    expect(problemsOf(env)).toEqual([expect.stringMatching(/^sync\.passphrase is given both/)]);
  });
});

describe('toBlobSettings', () => {
  test('opens a folder by its path', () => {
    const { sync } = settingsOf(on('folder', { CLOUD_SYNC_BUCKET: '~/nas' }));
    expect(toBlobSettings(sync)).toEqual({ provider: 'folder', path: '/home/ada/nas' });
  });

  test('makes a preset out of the name of a provider', () => {
    const { sync } = settingsOf(on('b2', { ...KEYS, CLOUD_SYNC_REGION: 'us-west-004' }));
    expect(toBlobSettings(sync)).toMatchObject({
      provider: 's3',
      preset: 'b2',
      bucket: 'memories',
      region: 'us-west-004',
      accessKey: 'the-access-key',
      secretKey: 'the-secret-key',
    });
    expect(toBlobSettings(settingsOf(on('s3', {})).sync)).not.toHaveProperty('preset');
  });

  test('reads the pair of keys as name and key of an Azure account', () => {
    expect(toBlobSettings(settingsOf(on('azure', KEYS)).sync)).toMatchObject({
      provider: 'azure',
      accountName: 'the-access-key',
      accountKey: 'the-secret-key',
    });
  });

  test('leaves the credentials of Google to Google', () => {
    const settings = toBlobSettings(settingsOf(on('gcs', {})).sync);
    expect(settings).toEqual({ provider: 'gcs', bucket: 'memories', prefix: 'faiss-memory/' });
  });
});

function on(provider: string, env: Environment): Environment {
  return {
    CLOUD_SYNC_ENABLED: 'true',
    CLOUD_SYNC_PROVIDER: provider,
    CLOUD_SYNC_BUCKET: 'memories',
    ...env,
  };
}
