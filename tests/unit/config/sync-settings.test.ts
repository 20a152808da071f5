import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { providerPresets } from '../../../src/blob/s3/provider-presets.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import type { Settings } from '../../../src/config/schema.ts';
import { SYNC_PROVIDERS } from '../../../src/config/sync-schema.ts';
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

const CREDENTIALS = {
  CLOUD_SYNC_SESSION_TOKEN: 'the-session-token',
  CLOUD_SYNC_SAS_TOKEN: 'sv=1&sig=the-signature',
  CLOUD_SYNC_CONNECTION_STRING: 'AccountName=ada;AccountKey=the-account-key',
} as const;
const KEYS = { CLOUD_SYNC_ACCESS_KEY: 'the-access-key', CLOUD_SYNC_SECRET_KEY: 'the-secret-key' };

describe('the settings of sync', () => {
  test('are read from the names that users know', () => {
    const { sync } = settingsOf({
      ...KEYS,
      CLOUD_SYNC_ENABLED: 'true',
      CLOUD_SYNC_PROVIDER: 'S3',
      CLOUD_SYNC_BUCKET: 'memories',
      CLOUD_SYNC_SESSION_TOKEN: 'the-session-token',
      CLOUD_SYNC_PREFIX: 'mine/',
      CLOUD_SYNC_REGION: 'eu-central-1',
      CLOUD_SYNC_ENDPOINT: 'https://s3.example.org/',
      CLOUD_SYNC_PASSPHRASE: 'seven tired herons',
      CLOUD_SYNC_SCHEDULE: '0 3 * * *',
      CLOUD_SYNC_MODE: 'merge',
      MEMORY_SYNC_PATH_STYLE: 'no',
      MEMORY_SYNC_ACCOUNT_ID: 'account',
    });
    const { accessKey, secretKey, passphrase, sessionToken, ...others } = sync;
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
    const secrets = [accessKey, secretKey, passphrase, sessionToken].map((secret) => secret?.reveal());
    expect(secrets).toEqual(['the-access-key', 'the-secret-key', 'seven tired herons', 'the-session-token']);
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
      CLOUD_SYNC_SESSION_TOKEN_FILE: fileWith('four'),
    });
    const { accessKey, secretKey, passphrase, sessionToken } = sync;
    const secrets = [accessKey, secretKey, passphrase, sessionToken];
    expect(secrets.map((secret) => secret?.reveal())).toEqual(['one', 'two', 'three', 'four']);
    const azure = settingsOf(on('azure', { CLOUD_SYNC_CONNECTION_STRING_FILE: fileWith('five') })).sync;
    expect(azure.connectionString?.reveal()).toBe('five');
    const signed = { CLOUD_SYNC_SAS_TOKEN_FILE: fileWith('six'), CLOUD_SYNC_ACCESS_KEY: 'ada' };
    expect(settingsOf(on('azure', signed)).sync.sasToken?.reveal()).toBe('six');
    expect(JSON.stringify([sync, azure])).not.toMatch(/four|five/);
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
    ['keys for Google', on('gcs', KEYS), /CLOUD_SYNC_KEY_FILE.*CLOUD_SYNC_PROVIDER=gcs-s3/],
    [
      'a session token without its keys',
      on('aws', { CLOUD_SYNC_SESSION_TOKEN: CREDENTIALS.CLOUD_SYNC_SESSION_TOKEN }),
      /^sync\.accessKey is missing beside the session token .*CLOUD_SYNC_SESSION_TOKEN\); set CLOUD_SYNC_ACCESS_KEY/,
    ],
    [
      'a session token with half a pair',
      on('aws', { CLOUD_SYNC_SESSION_TOKEN: 'the-token', CLOUD_SYNC_ACCESS_KEY: 'the-access-key' }),
      /^sync\.secretKey is missing beside the access key/,
    ],
    [
      'a session token for Azure',
      on('azure', { ...KEYS, CLOUD_SYNC_SESSION_TOKEN: 'the-token' }),
      /^sync\.sessionToken is not used by the provider azure .*unset CLOUD_SYNC_SESSION_TOKEN/,
    ],
    [
      'a signature for S3',
      on('s3', { CLOUD_SYNC_SAS_TOKEN: 'the-signature' }),
      /^sync\.sasToken is not used by the provider s3 .*CLOUD_SYNC_PROVIDER=azure/,
    ],
    [
      'a connection string for Google',
      on('gcs', { CLOUD_SYNC_CONNECTION_STRING: CREDENTIALS.CLOUD_SYNC_CONNECTION_STRING }),
      /^sync\.connectionString is not used by the provider gcs/,
    ],
    [
      'a key file for a folder',
      on('folder', { CLOUD_SYNC_BUCKET: '/mnt/nas', CLOUD_SYNC_KEY_FILE: '/key.json' }),
      /^sync\.keyFile is not used by the provider folder .*CLOUD_SYNC_PROVIDER=gcs/,
    ],
    [
      'a project for MinIO',
      on('minio', { CLOUD_SYNC_ENDPOINT: 'http://127.0.0.1:9000', CLOUD_SYNC_PROJECT_ID: 'notes' }),
      /^sync\.projectId is not used by the provider minio/,
    ],
    [
      'a signature without an account',
      on('azure', { CLOUD_SYNC_SAS_TOKEN: 'the-signature' }),
      /^sync\.accessKey is missing beside the shared access signature .*CLOUD_SYNC_ENDPOINT/,
    ],
    [
      'a signature beside the account key',
      on('azure', { ...KEYS, CLOUD_SYNC_SAS_TOKEN: 'the-signature' }),
      /^sync\.secretKey is not used beside a shared access signature .*unset one of the two/,
    ],
    [
      'a connection string beside an endpoint',
      on('azure', { CLOUD_SYNC_CONNECTION_STRING: 'the-string', CLOUD_SYNC_ENDPOINT: 'https://x.test' }),
      /^sync\.endpoint is not used beside a connection string/,
    ],
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

  test('hands on a session token, a signature and a connection string', () => {
    const { CLOUD_SYNC_SESSION_TOKEN, CLOUD_SYNC_SAS_TOKEN, CLOUD_SYNC_CONNECTION_STRING } = CREDENTIALS;
    for (const provider of ['s3', 'aws', 'wasabi']) {
      const env = { ...KEYS, CLOUD_SYNC_SESSION_TOKEN, CLOUD_SYNC_REGION: 'eu-central-1' };
      const settings = toBlobSettings(settingsOf(on(provider, env)).sync);
      expect(settings).toMatchObject({ sessionToken: CLOUD_SYNC_SESSION_TOKEN });
    }
    const signed = on('azure', { CLOUD_SYNC_ACCESS_KEY: 'ada', CLOUD_SYNC_SAS_TOKEN });
    expect(toBlobSettings(settingsOf(signed).sync)).toMatchObject({
      accountName: 'ada',
      sasToken: CLOUD_SYNC_SAS_TOKEN,
    });
    const whole = toBlobSettings(settingsOf(on('azure', { CLOUD_SYNC_CONNECTION_STRING })).sync);
    expect(whole).toMatchObject({ connectionString: CLOUD_SYNC_CONNECTION_STRING });
  });

  test('hands on the key file and the project of Google', () => {
    const env = { CLOUD_SYNC_KEY_FILE: '~/key.json', CLOUD_SYNC_PROJECT_ID: 'notes-1' };
    expect(toBlobSettings(settingsOf(on('gcs', env)).sync)).toMatchObject({
      keyFile: '/home/ada/key.json',
      projectId: 'notes-1',
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
