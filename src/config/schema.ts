import { systemTimeZone } from '../util/time-zone.ts';
import { httpSchema, logFormat } from './http-schema.ts';
import { defaultDataFolder } from './machine.ts';
import { choice, integer, number, path, secret, text, timeZone, webAddress } from './setting-kinds.ts';
import { backupSchema, syncSchema } from './sync-schema.ts';
import { derived, optional, setting, type Setting, type SettingGroup } from './setting.ts';

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
