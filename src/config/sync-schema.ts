import {
  bucketOrFolder,
  choice,
  cronSchedule,
  integer,
  optional,
  path,
  secret,
  setting,
  type Setting,
  type SettingGroup,
  text,
  toggle,
  webAddress,
} from './setting.ts';

/** The four kinds of remotes, and the names of providers that are reached like `s3`. */
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
    doc: 'Backs up changed memories automatically, in the data folder.',
    environmentVariable: 'MEMORY_BACKUP_ENABLED',
    default: true,
  }),
  keepLast: kept('the newest backups', 'MEMORY_BACKUP_KEEP_LAST', 10),
  hourly: kept('the newest backup of each hour, for hours with backups', 'MEMORY_BACKUP_HOURLY', 24),
  daily: kept('the newest backup of each day, for days with backups', 'MEMORY_BACKUP_DAILY', 7),
  weekly: kept('the newest backup of each week, for weeks with backups', 'MEMORY_BACKUP_WEEKLY', 4),
  monthly: kept('the newest backup of each month, for months with backups', 'MEMORY_BACKUP_MONTHLY', 12),
} satisfies SettingGroup;

function kept(backups: string, environmentVariable: string, usual: number): Setting<number> {
  const doc = `Keeps ${backups}, up to this number, in the data folder and at the remote.`;
  return setting(integer({ min: 0, max: 10_000 }), { doc, environmentVariable, default: usual });
}

/** Backups at a remote; docs/sync.md explains them. */
export const syncSchema = {
  enabled: setting(toggle(), {
    doc: 'Copies backups to a remote: a bucket, or a folder on another disk.',
    environmentVariable: 'CLOUD_SYNC_ENABLED',
    default: false,
  }),
  provider: setting(choice(SYNC_PROVIDERS), {
    doc: 'Kind or provider of the remote; docs/sync.md links a page for each.',
    environmentVariable: 'CLOUD_SYNC_PROVIDER',
    default: 's3',
  }),
  bucket: setting(bucketOrFolder(), {
    doc: 'Name of the bucket; with `azure`, of the container; with `folder`, the path of an existing folder.',
    environmentVariable: 'CLOUD_SYNC_BUCKET',
    default: '',
  }),
  prefix: setting(text(), {
    doc: 'Beginning of the names of all objects; `/` = no prefix. A folder has no prefix.',
    environmentVariable: 'CLOUD_SYNC_PREFIX',
    default: 'faiss-memory/',
  }),
  region: optional(text(), {
    doc: 'Region of the bucket, where the provider has several.',
    environmentVariable: 'CLOUD_SYNC_REGION',
    defaultDoc: "the provider's, or that of the AWS configuration",
  }),
  endpoint: optional(webAddress(), {
    doc: 'Address of the service, without the bucket.',
    environmentVariable: 'CLOUD_SYNC_ENDPOINT',
    defaultDoc: "the provider's",
  }),
  accessKey: secret({
    doc: 'Access key; with `azure`, the name of the storage account. Without both keys, the credentials of the AWS configuration are used.',
    environmentVariable: 'CLOUD_SYNC_ACCESS_KEY',
  }),
  secretKey: secret({
    doc: 'Secret key; with `azure`, the account key.',
    environmentVariable: 'CLOUD_SYNC_SECRET_KEY',
  }),
  sessionToken: secret({
    doc: 'Session token of a temporary pair of keys, as AWS STS gives them. When they have expired, all three need new values.',
    environmentVariable: 'CLOUD_SYNC_SESSION_TOKEN',
  }),
  sasToken: secret({
    doc: 'With `azure` a shared access signature, instead of the account key.',
    environmentVariable: 'CLOUD_SYNC_SAS_TOKEN',
  }),
  connectionString: secret({
    doc: 'With `azure` the connection string, instead of account name, key, signature and endpoint.',
    environmentVariable: 'CLOUD_SYNC_CONNECTION_STRING',
  }),
  keyFile: optional(path('file'), {
    doc: 'With `gcs` the JSON file with the key of a service account.',
    environmentVariable: 'CLOUD_SYNC_KEY_FILE',
    defaultDoc: "as Google's tools find their credentials",
  }),
  projectId: optional(text(), {
    doc: 'With `gcs` the project that a new bucket is created in.',
    environmentVariable: 'CLOUD_SYNC_PROJECT_ID',
    defaultDoc: 'that of the credentials',
  }),
  passphrase: secret({
    doc: 'Encrypts all backups, including those in the data folder. If you lose it, the backups cannot be read again.',
    environmentVariable: 'CLOUD_SYNC_PASSPHRASE',
  }),
  schedule: optional(cronSchedule(), {
    doc: 'Additional backups at fixed times, in local time.',
    environmentVariable: 'CLOUD_SYNC_SCHEDULE',
    defaultDoc: 'none',
  }),
  mode: setting(choice(['backup', 'merge']), {
    doc: '`backup` only uploads; `merge` also merges the uploads of other machines.',
    environmentVariable: 'CLOUD_SYNC_MODE',
    default: 'backup',
  }),
  pathStyle: optional(toggle(), {
    doc: 'Puts the bucket into the path of the address (true) or into its host name (false).',
    environmentVariable: 'MEMORY_SYNC_PATH_STYLE',
    defaultDoc: "the provider's",
  }),
  accountId: optional(text(), {
    doc: 'Account id, for providers whose address contains it (`r2`).',
    environmentVariable: 'MEMORY_SYNC_ACCOUNT_ID',
    defaultDoc: 'none',
  }),
} satisfies SettingGroup;
