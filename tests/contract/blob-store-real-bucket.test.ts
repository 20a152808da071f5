import { describe, expect, test } from 'vitest';
import type { BlobSettings } from '../../src/blob/blob-settings.ts';
import { createBlobStore } from '../../src/blob/create-blob-store.ts';
import { probeBlobStore } from '../../src/blob/probe/probe.ts';
import { isPresetName } from '../../src/blob/s3/provider-presets.ts';
import type { ConditionBehaviour } from './blob-store-conditions.contract.ts';
import { describeBlobStore } from './blob-store.contract.ts';

/** See docs/certify-a-provider.md. */
function read(name: string): string | undefined {
  const value = process.env[`CERTIFY_${name}`];
  return value === '' ? undefined : value;
}

const bucket = read('BUCKET');

function settingsOf(certified: string): BlobSettings {
  const provider = read('PROVIDER') ?? 's3';
  const common = { bucket: certified, prefix: prefixOf('probe'), endpoint: read('ENDPOINT') };
  switch (provider) {
    case 'gcs':
      return { provider, ...common, projectId: read('PROJECT'), keyFile: read('KEY_FILE') };
    case 'azure':
      return {
        ...{ provider, ...common, accountName: read('ACCESS_KEY'), accountKey: read('SECRET_KEY') },
        ...{ sasToken: read('SAS_TOKEN'), connectionString: read('CONNECTION_STRING') },
      };
    default: {
      const preset = provider === 's3' ? undefined : provider;
      if (preset !== undefined && !isPresetName(preset)) throw new Error(`CERTIFY_PROVIDER is ${preset}`);
      const sessionToken = read('SESSION_TOKEN');
      const keys = { accessKey: read('ACCESS_KEY'), secretKey: read('SECRET_KEY'), sessionToken };
      const pathStyle = read('PATH_STYLE') === undefined ? undefined : read('PATH_STYLE') === 'true';
      const place = { region: read('REGION'), accountId: read('ACCOUNT'), pathStyle };
      return { provider: 's3', preset, ...common, ...keys, ...place };
    }
  }
}

function prefixOf(part: string): string {
  return `${read('PREFIX') ?? 'faiss-memory-certify'}/${part}`;
}

function withWrongSecret(settings: BlobSettings): BlobSettings {
  if (settings.provider === 's3') return { ...settings, secretKey: 'wrong-secret' };
  if (settings.provider === 'azure')
    return { ...settings, accountKey: Buffer.from('wrong').toString('base64') };
  return settings;
}

if (bucket === undefined) {
  test('certifies a real bucket only when CERTIFY_BUCKET names one', () => {
    expect(Object.keys(process.env).filter((name) => name.startsWith('CERTIFY_'))).toEqual([]);
  });
} else {
  const settings = settingsOf(bucket);
  const report = await probeBlobStore(settings);

  describe(`the probe of ${report.location}`, () => {
    test('finds it usable', () => {
      console.table(report.findings);
      expect(report.findings.filter(({ level }) => level === 'problem')).toEqual([]);
    });
  });

  const conditions: ConditionBehaviour =
    report.conditionalPut === 'unknown' ? 'ignored' : report.conditionalPut;
  describeBlobStore(report.location, {
    traits: { conditions, checksKeys: settings.provider !== 'gcs' },
    existingBucket: bucket,
    start: () =>
      Promise.resolve({
        open: ({ prefix, wrongKeys }) => {
          const own = { ...settings, prefix: prefixOf(prefix.replace(/^\/+/, '')) };
          return createBlobStore(wrongKeys === true ? withWrongSecret(own) : own);
        },
        stop: () => Promise.resolve(),
      }),
  });
}
