import {
  bucketOrFolder,
  choice,
  cronSchedule,
  integer,
  secret,
  text,
  toggle,
  webAddress,
} from './setting-kinds.ts';
import { optional, setting, type Setting, type SettingGroup } from './setting.ts';

/** How backups are reached: the four ways, and names of providers that the `s3` way goes to. */
export const SYNC_PROVIDERS = [
  's3',
  'gcs',
  'azure',
  'folder',
  'aws',
  'b2',
  'r2',
  'spaces',
  'wasabi',
  'gcs-s3',
  'scaleway',
  'ovh',
  'hetzner',
  'linode',
  'idrive',
  'minio',
  'ceph',
  'other',
] as const;

/** Local backups. */
export const backupSchema = {
  enabled: setting(toggle(), {
    doc: 'Backs up changed memories by itself, into the data folder.',
    environmentVariable: 'MEMORY_BACKUP_ENABLED',
    default: true,
  }),
  keepLast: kept('newest backups, whatever their age', 'MEMORY_BACKUP_KEEP_LAST', 10),
  hourly: kept('hours of which the newest backup is kept', 'MEMORY_BACKUP_HOURLY', 24),
  daily: kept('days of which the newest backup is kept', 'MEMORY_BACKUP_DAILY', 7),
  weekly: kept('weeks of which the newest backup is kept', 'MEMORY_BACKUP_WEEKLY', 4),
  monthly: kept('months of which the newest backup is kept', 'MEMORY_BACKUP_MONTHLY', 12),
} satisfies SettingGroup;

function kept(what: string, environmentVariable: string, usual: number): Setting<number> {
  const doc = `How many ${what}, here and at the remote.`;
  return setting(integer({ min: 0, max: 10_000 }), { doc, environmentVariable, default: usual });
}

/** Backups at a remote; see docs/sync.md. */
export const syncSchema = {
  enabled: setting(toggle(), {
    doc: 'Copies backups to a remote: a bucket, or a folder on another disk.',
    environmentVariable: 'CLOUD_SYNC_ENABLED',
    default: false,
  }),
  provider: setting(choice(SYNC_PROVIDERS), {
    doc: 'Where the remote is; docs/sync.md has a page on each.',
    environmentVariable: 'CLOUD_SYNC_PROVIDER',
    default: 's3',
  }),
  bucket: setting(bucketOrFolder(), {
    doc: 'Name of the bucket, with `azure` of the container; with `folder` the path of a folder that exists.',
    environmentVariable: 'CLOUD_SYNC_BUCKET',
    default: '',
  }),
  prefix: setting(text(), {
    doc: 'What the names of all objects begin with; `/` = nothing. A folder has no prefix.',
    environmentVariable: 'CLOUD_SYNC_PREFIX',
    default: 'faiss-memory/',
  }),
  region: optional(text(), {
    doc: 'Region of the bucket, where the provider has several.',
    environmentVariable: 'CLOUD_SYNC_REGION',
    defaultDoc: "the provider's, or as the AWS tools find it",
  }),
  endpoint: optional(webAddress(), {
    doc: 'Address of the service, without the bucket.',
    environmentVariable: 'CLOUD_SYNC_ENDPOINT',
    defaultDoc: "the provider's",
  }),
  accessKey: secret({
    doc: 'Access key; with `azure` the name of the storage account. Without a pair of keys those of the AWS tools are used.',
    environmentVariable: 'CLOUD_SYNC_ACCESS_KEY',
  }),
  secretKey: secret({
    doc: 'Secret key; with `azure` the account key.',
    environmentVariable: 'CLOUD_SYNC_SECRET_KEY',
  }),
  passphrase: secret({
    doc: 'Encrypts backups, those in the data folder too. Without it nobody can read them, you included.',
    environmentVariable: 'CLOUD_SYNC_PASSPHRASE',
  }),
  schedule: optional(cronSchedule(), {
    doc: 'Further backups at fixed times, in local time.',
    environmentVariable: 'CLOUD_SYNC_SCHEDULE',
    defaultDoc: 'none',
  }),
  mode: setting(choice(['backup', 'merge']), {
    doc: '`backup` only uploads; `merge` also takes in what other machines upload.',
    environmentVariable: 'CLOUD_SYNC_MODE',
    default: 'backup',
  }),
  pathStyle: optional(toggle(), {
    doc: 'Writes the bucket into the path of an address (true) or into its host name (false).',
    environmentVariable: 'MEMORY_SYNC_PATH_STYLE',
    defaultDoc: "the provider's",
  }),
  accountId: optional(text(), {
    doc: 'Account id, where it is part of the address (`r2`).',
    environmentVariable: 'MEMORY_SYNC_ACCOUNT_ID',
    defaultDoc: 'none',
  }),
} satisfies SettingGroup;
