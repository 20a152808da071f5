import { posix, win32 } from 'node:path';
import type { Settings } from './schema.ts';
import type { SettingProblem } from './setting-problem.ts';
import { show } from './sources.ts';

/** What is wrong between the settings of sync, each of which is right by itself. */
export function findSyncProblems({ sync }: Settings): SettingProblem[] {
  const checks = [bucketProblem(sync), keysProblem(sync), accountProblem(sync), endpointProblem(sync)];
  return checks.filter((found) => found !== undefined);
}

type Sync = Settings['sync'];

function bucketProblem({ enabled, provider, bucket }: Sync): SettingProblem | undefined {
  const key = 'sync.bucket';
  if (bucket === '') {
    if (!enabled) return undefined;
    const what = provider === 'folder' ? 'the path of a folder that exists' : 'the name of a bucket';
    const allowed = `set CLOUD_SYNC_BUCKET to ${what}, or CLOUD_SYNC_ENABLED=false`;
    return { key, problem: 'is missing, and sync is on', allowed, decidedBy: 'sync.enabled' };
  }
  const isPath = posix.isAbsolute(bucket) || win32.isAbsolute(bucket);
  if (provider === 'folder' && !isPath) {
    const allowed = 'with CLOUD_SYNC_PROVIDER=folder set CLOUD_SYNC_BUCKET to the absolute path of a folder';
    return { key, problem: `is ${show(bucket)}`, allowed, decidedBy: key };
  }
  if (provider !== 'folder' && isPath) {
    const allowed = 'set CLOUD_SYNC_BUCKET to the name of a bucket, or CLOUD_SYNC_PROVIDER=folder';
    return { key, problem: `is the path ${show(bucket)}`, allowed, decidedBy: key };
  }
  return undefined;
}

function keysProblem({ provider, accessKey, secretKey }: Sync): SettingProblem | undefined {
  if (provider === 'gcs' && (accessKey !== undefined || secretKey !== undefined)) {
    const key = accessKey === undefined ? 'sync.secretKey' : 'sync.accessKey';
    const allowed =
      'unset it and name the service account key file in GOOGLE_APPLICATION_CREDENTIALS; for a pair of HMAC keys set CLOUD_SYNC_PROVIDER=gcs-s3';
    return { key, problem: 'is not used by the provider gcs', allowed, decidedBy: key };
  }
  if ((accessKey === undefined) === (secretKey === undefined)) return undefined;
  const [missing, given] =
    accessKey === undefined ? (['access', 'secret'] as const) : (['secret', 'access'] as const);
  const variable = `CLOUD_SYNC_${missing.toUpperCase()}_KEY`;
  const other = `CLOUD_SYNC_${given.toUpperCase()}_KEY`;
  return {
    key: `sync.${missing}Key`,
    problem: `is missing beside the ${given} key`,
    allowed: `set ${variable} (or ${variable}_FILE) too, or unset ${other}`,
    decidedBy: `sync.${given}Key`,
  };
}

function accountProblem({
  enabled,
  provider,
  accessKey,
  accountId,
  endpoint,
}: Sync): SettingProblem | undefined {
  if (!enabled) return undefined;
  if (provider === 'azure' && accessKey === undefined) {
    const allowed =
      'set CLOUD_SYNC_ACCESS_KEY to the name of the storage account and CLOUD_SYNC_SECRET_KEY to one of its keys';
    return { key: 'sync.accessKey', problem: 'is missing', allowed, decidedBy: 'sync.provider' };
  }
  if (provider === 'r2' && accountId === undefined && endpoint === undefined) {
    const allowed = 'set MEMORY_SYNC_ACCOUNT_ID, or CLOUD_SYNC_ENDPOINT to the address that contains it';
    return { key: 'sync.accountId', problem: 'is missing', allowed, decidedBy: 'sync.provider' };
  }
  return undefined;
}

const OWN_SERVERS: readonly string[] = ['minio', 'ceph', 'idrive', 'other'];

function endpointProblem({ enabled, provider, endpoint }: Sync): SettingProblem | undefined {
  if (!enabled || endpoint !== undefined || !OWN_SERVERS.includes(provider)) return undefined;
  const allowed = `set CLOUD_SYNC_ENDPOINT to the address of the server, for example http://127.0.0.1:9000`;
  return { key: 'sync.endpoint', problem: `is missing for ${provider}`, allowed, decidedBy: 'sync.provider' };
}
