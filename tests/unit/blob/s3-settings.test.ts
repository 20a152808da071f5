import { describe, expect, test } from 'vitest';
import type { S3BlobSettings } from '../../../src/blob/blob-settings.ts';
import { isPresetName, providerPresets, resolvePreset } from '../../../src/blob/s3/provider-presets.ts';
import { resolveS3 } from '../../../src/blob/s3/s3-session.ts';
import { BlobStoreError } from '../../../src/errors/remote-errors.ts';

function resolve(settings: Partial<S3BlobSettings>) {
  return resolveS3({ provider: 's3', bucket: 'memories', ...settings });
}

function problemOf(settings: Partial<S3BlobSettings>): BlobStoreError {
  try {
    resolve(settings);
  } catch (error) {
    if (error instanceof BlobStoreError) return error;
    throw error;
  }
  throw new Error('these settings were accepted');
}

describe('resolveS3', () => {
  test('leaves Amazon to the SDK: region and keys as its tools find them, SHA-256, host style', () => {
    expect(resolve({})).toMatchObject({
      region: undefined,
      endpoint: undefined,
      pathStyle: false,
      credentials: undefined,
      uploadChecksum: 'sha256',
      location: 's3://memories/ at Amazon S3',
    });
  });

  test('gives a server of one’s own path style, MD5 and the region that all of them accept', () => {
    expect(resolve({ endpoint: 'http://127.0.0.1:9000' })).toMatchObject({
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:9000/',
      pathStyle: true,
      uploadChecksum: 'md5',
    });
  });

  test.each([
    ['aws', { region: 'eu-west-3' }, undefined, 'eu-west-3', false],
    ['b2', { region: 'us-west-004' }, 'https://s3.us-west-004.backblazeb2.com/', 'us-west-004', true],
    ['r2', { accountId: 'abc123' }, 'https://abc123.r2.cloudflarestorage.com/', 'auto', true],
    ['spaces', { region: 'fra1' }, 'https://fra1.digitaloceanspaces.com/', 'fra1', false],
    ['wasabi', { region: 'eu-central-1' }, 'https://s3.eu-central-1.wasabisys.com/', 'eu-central-1', true],
    ['gcs-s3', {}, 'https://storage.googleapis.com/', 'auto', true],
    ['minio', { endpoint: 'minio.local:9000' }, 'https://minio.local:9000/', 'us-east-1', true],
  ] as const)('knows %s', (preset, settings, endpoint, region, pathStyle) => {
    expect(resolve({ preset, ...settings })).toMatchObject({ endpoint, region, pathStyle });
  });

  test.each([
    ['b2', {}, /region/],
    ['r2', {}, /account id/],
    ['minio', {}, /endpoint/],
  ] as const)('says what %s needs', (preset, settings, missing) => {
    const error = problemOf({ preset, ...settings });
    expect(error).toMatchObject({ reason: 'misconfigured', retryable: false });
    expect(error.message).toMatch(missing);
    expect(error.fix).toMatch(missing);
  });

  test('lets the settings win over the preset', () => {
    const settings = {
      preset: 'r2',
      endpoint: 'https://eu.example.com',
      region: 'weur',
      pathStyle: false,
    } as const;
    expect(resolve(settings)).toMatchObject({
      endpoint: 'https://eu.example.com/',
      region: 'weur',
      pathStyle: false,
    });
  });

  test('counts blank settings as unset', () => {
    const blank = { endpoint: ' ', region: '', accessKey: '', secretKey: '', prefix: ' ' };
    expect(resolve(blank)).toMatchObject({
      endpoint: undefined,
      region: undefined,
      credentials: undefined,
      prefix: '',
    });
  });

  test.each([
    [{ accessKey: 'key' }, /secret key is missing/],
    [{ secretKey: 'hidden-value' }, /access key is missing/],
  ])('refuses half a key pair', (settings, message) => {
    const error = problemOf(settings);
    expect(error.message).toMatch(message);
    expect(error.fix).toBeTruthy();
    expect(error.message + (error.fix ?? '')).not.toContain('hidden-value');
  });

  test.each([
    ['faiss-memory', 'faiss-memory/'],
    ['/faiss-memory//', 'faiss-memory/'],
    ['Backups/My_Laptop', 'Backups/My_Laptop/'],
    ['/', ''],
  ])('ends the prefix %j in one slash', (prefix, expected) => {
    expect(resolve({ prefix }).prefix).toBe(expected);
  });

  test.each(['a//b', '../a', 'a/./b', 'a b', 'ä', 'a\\b', '...'])('refuses the prefix %j', (prefix) => {
    expect(problemOf({ prefix }).reason).toBe('misconfigured');
  });

  test.each(['ftp://host', 'http://', 'https://user:pass@host', 'https://host?x=1'])(
    'refuses the endpoint %j without repeating it',
    (endpoint) => {
      const error = problemOf({ endpoint });
      expect(error.reason).toBe('misconfigured');
      expect(error.message).not.toContain('pass');
    },
  );
});

describe('provider presets', () => {
  test('are found by name, and by nothing else', () => {
    expect(Object.keys(providerPresets).every(isPresetName)).toBe(true);
    expect(isPresetName('toString')).toBe(false);
    expect(isPresetName('AWS')).toBe(false);
  });

  test('leave no placeholder in any endpoint', () => {
    for (const preset of Object.keys(providerPresets).filter(isPresetName)) {
      const { endpoint } = resolvePreset({
        preset,
        region: 'region-1',
        accountId: 'account',
        ...('ownServer' in providerPresets[preset] ? { endpoint: 'https://own.example.org' } : {}),
      });
      expect(endpoint ?? 'https://amazon').toMatch(/^https:\/\/[a-z0-9.-]+$/);
    }
  });
});
