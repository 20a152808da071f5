import { systemTimeZone } from '../util/time-zone.ts';
import { defaultDataFolder } from './environment.ts';
import {
  bucketOrFolder,
  choice,
  cronSchedule,
  derived,
  hostNames,
  integer,
  isSetting,
  number,
  optional,
  path,
  secret,
  setting,
  type Setting,
  type SettingGroup,
  text,
  timeZone,
  toggle,
  webAddress,
  webOrigins,
} from './setting.ts';

/** `faiss-memory serve --http`; see docs/http.md. */
const httpSchema = {
  host: setting(text(), {
    doc: 'Address to listen at. Any but this machine itself (`127.0.0.1`, `::1`, `localhost`) needs a token.',
    environmentVariable: 'MEMORY_HTTP_HOST',
    default: '127.0.0.1',
  }),
  port: setting(integer({ min: 0, max: 65_535 }), {
    doc: 'Port to listen at; 0 takes a free one.',
    environmentVariable: 'MEMORY_HTTP_PORT',
    default: 8765,
  }),
  token: secret({
    doc: 'Token that allows everything, at least 16 characters. Clients send it as `Authorization: Bearer …` or `X-API-Key: …`.',
    environmentVariable: 'MEMORY_HTTP_TOKEN',
  }),
  readToken: secret({
    doc: 'Token that allows only to read, at least 16 characters.',
    environmentVariable: 'MEMORY_HTTP_READ_TOKEN',
  }),
  allowedHosts: setting(hostNames(), {
    doc: 'Further names that clients may call this server by, with commas between; for a reverse proxy or a name in the local network.',
    environmentVariable: 'MEMORY_HTTP_ALLOWED_HOSTS',
    default: '',
  }),
  allowedOrigins: setting(webOrigins(), {
    doc: 'Web pages of other origins that may call this server, with commas between, for example `https://notes.example.org`. They get CORS headers; all others are refused.',
    environmentVariable: 'MEMORY_HTTP_ALLOWED_ORIGINS',
    default: '',
  }),
  tlsCertificate: optional(path('file'), {
    doc: 'PEM file with the certificate and its chain; with the key it turns HTTPS on.',
    environmentVariable: 'MEMORY_HTTP_TLS_CERTIFICATE',
    defaultDoc: 'none',
  }),
  tlsKey: optional(path('file'), {
    doc: 'PEM file with the private key.',
    environmentVariable: 'MEMORY_HTTP_TLS_KEY',
    defaultDoc: 'none',
  }),
  bodyLimitMiB: setting(integer({ min: 1, max: 1_024 }), {
    doc: 'Largest request in MiB; imports may be 64 times as large.',
    environmentVariable: 'MEMORY_HTTP_BODY_LIMIT_MIB',
    default: 16,
  }),
  rateLimit: setting(integer({ min: 0, max: 10_000_000 }), {
    doc: 'Requests a minute that one client address may make; 0 = any number.',
    environmentVariable: 'MEMORY_HTTP_RATE_LIMIT',
    default: 6_000,
  }),
} satisfies SettingGroup;

const logFormat = setting(choice(['text', 'json']), {
  doc: 'How entries of the log are written: `text` for people, `json` (one object a line) for programs.',
  environmentVariable: 'MEMORY_LOG_FORMAT',
  default: 'text',
});

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
const backupSchema = {
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
const syncSchema = {
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

/** Every key of the configuration. The reference in docs/configuration.md is generated from it. */
export const settingsSchema = {
  dataDir: derived(path('folder'), {
    doc: 'Folder of the memories. Keep it on a local disk: not in a synchronised or network folder.',
    environmentVariable: 'MEMORY_DATA_DIR',
    flag: '--data-dir',
    default: defaultDataFolder,
    defaultDoc: "the system's data folder, see above",
  }),
  logLevel: setting(choice(['error', 'warn', 'info', 'debug']), {
    doc: 'What is written to stderr. Texts of memories and secrets are never logged.',
    environmentVariable: 'MEMORY_LOG_LEVEL',
    flag: '--log-level',
    default: 'warn',
  }),
  logFormat,
  project: setting(text(), {
    doc: 'Project of new memories that name none. Searches are not limited by it.',
    environmentVariable: 'MEMORY_PROJECT',
    default: '',
  }),
  timeZone: derived(timeZone(), {
    doc: 'Time zone whose days are meant by dates in filters, shown in answers and counted: a name such as `Europe/Berlin`. The page in a browser uses the zone of the browser.',
    environmentVariable: 'MEMORY_TIME_ZONE',
    default: systemTimeZone,
    defaultDoc: "the system's time zone",
  }),
  textLimit: setting(integer({ min: 100, max: 10_000_000 }), {
    doc: 'Longest text of one memory, in characters (UTF-16 code units). Longer ones are refused, never cut.',
    environmentVariable: 'MEMORY_TEXT_LIMIT',
    default: 100_000,
  }),
  trashDays: setting(number({ min: 0, max: 36_500 }), {
    doc: 'Days after which the content of deleted memories is erased for good.',
    environmentVariable: 'MEMORY_TRASH_DAYS',
    default: 30,
  }),
  secrets: setting(choice(['mask', 'reject', 'allow']), {
    doc: 'What happens to passwords, keys and tokens in new texts: replaced by a mark, refused, or stored.',
    environmentVariable: 'MEMORY_SECRETS',
    default: 'mask',
  }),
  vectorIndex: setting(choice(['auto', 'wasm', 'node', 'exact']), {
    doc: 'Vector index: FAISS as WebAssembly (`auto` and `wasm`), the package faiss-node when it is installed, or a plain exact scan.',
    environmentVariable: 'MEMORY_VECTOR_INDEX',
    default: 'auto',
  }),
  embedding: {
    provider: setting(choice(['bundled', 'openai', 'none']), {
      doc: 'Who turns text into vectors: the model in this package, which reads English, an OpenAI-compatible endpoint (OpenAI, Ollama, LM Studio, vLLM), or nobody (search by words only).',
      environmentVariable: 'MEMORY_EMBEDDING_PROVIDER',
      default: 'bundled',
    }),
    model: optional(text(), {
      doc: 'Name of the model at the provider; the bundled provider has only its own.',
      environmentVariable: 'MEMORY_EMBEDDING_MODEL',
      defaultDoc: "the provider's default",
    }),
    baseUrl: optional(webAddress(), {
      doc: 'Address of the OpenAI-compatible endpoint, up to and including the version.',
      environmentVariable: 'MEMORY_EMBEDDING_BASE_URL',
      defaultDoc: 'https://api.openai.com/v1',
    }),
    apiKey: secret({
      doc: 'Key for the endpoint. Local servers need none.',
      environmentVariable: 'MEMORY_EMBEDDING_API_KEY',
    }),
    dimension: optional(integer({ min: 1, max: 65_536 }), {
      doc: 'Length of the vectors to ask the endpoint for, where its model offers several.',
      environmentVariable: 'MEMORY_EMBEDDING_DIMENSION',
      defaultDoc: "the model's own",
    }),
    runtime: setting(choice(['auto', 'wasm', 'native']), {
      doc: 'What runs the bundled model: WebAssembly, or onnxruntime-node (faster; install it yourself). `auto` takes the native one when it is installed.',
      environmentVariable: 'MEMORY_EMBEDDING_RUNTIME',
      default: 'auto',
    }),
    threads: optional(integer({ min: 1, max: 64 }), {
      doc: 'Threads of the bundled model.',
      environmentVariable: 'MEMORY_EMBEDDING_THREADS',
      defaultDoc: 'chosen by the runtime',
    }),
    idleUnloadMinutes: setting(number({ min: 0, max: 10_080 }), {
      doc: 'Minutes without use after which the model leaves memory; 0 keeps it.',
      environmentVariable: 'MEMORY_EMBEDDING_IDLE_UNLOAD_MINUTES',
      default: 5,
    }),
    timeoutSeconds: setting(number({ min: 1, max: 3_600 }), {
      doc: 'Longest wait for one answer of the endpoint.',
      environmentVariable: 'MEMORY_EMBEDDING_TIMEOUT_SECONDS',
      default: 30,
    }),
    queryPrefix: optional(text(), {
      doc: 'Put before every query, for models that were trained with one.',
      environmentVariable: 'MEMORY_EMBEDDING_QUERY_PREFIX',
      defaultDoc: "the model's own",
    }),
    passagePrefix: optional(text(), {
      doc: 'Put before every stored text, for models that were trained with one.',
      environmentVariable: 'MEMORY_EMBEDDING_PASSAGE_PREFIX',
      defaultDoc: "the model's own",
    }),
    modelDirectory: optional(path('folder'), {
      doc: 'Folder with the model files, instead of those in the package.',
      environmentVariable: 'MEMORY_EMBEDDING_MODEL_DIRECTORY',
      defaultDoc: 'inside the package',
    }),
  },
  backup: backupSchema,
  sync: syncSchema,
  http: httpSchema,
} satisfies SettingGroup;

type ValuesOf<Group> = {
  readonly [Key in keyof Group]: Group[Key] extends Setting<infer Value> ? Value : ValuesOf<Group[Key]>;
};

/** The configuration after merging and validation. */
export type Settings = ValuesOf<typeof settingsSchema>;

export interface NamedSetting {
  /** Dotted key, for example `embedding.threads`. */
  readonly key: string;
  readonly setting: Setting<unknown>;
}

/** All settings in the order of the schema. */
export const settingList: readonly NamedSetting[] = flatten(settingsSchema, '');

function flatten(group: SettingGroup, prefix: string): NamedSetting[] {
  return Object.entries(group).flatMap(([name, node]) =>
    isSetting(node) ? [{ key: prefix + name, setting: node }] : flatten(node, `${prefix}${name}.`),
  );
}
