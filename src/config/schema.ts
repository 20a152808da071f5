import { systemTimeZone } from '../util/time-zone.ts';
import { authSchema } from './auth-settings.ts';
import { defaultDataFolder } from './environment.ts';
import { databaseSchema, httpSchema, storeKind } from './server-schema.ts';
import {
  choice,
  derived,
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
} from './setting.ts';
import { backupSchema, syncSchema } from './sync-schema.ts';
import { spaceSetting, teamSchema } from './team-schema.ts';

/** Conversations that are captured or imported; docs/conversations.md explains them. */
const conversationsSchema = {
  enabled: setting(toggle(), {
    doc: 'Keeps conversations that a client or an import hands over. `false` takes no new one; what is stored stays.',
    environmentVariable: 'MEMORY_CONVERSATIONS',
    default: true,
  }),
  exclude: setting(text(), {
    doc: 'Projects and folders whose conversations are never kept, separated by commas; `*` stands for any characters, and a folder includes what is in it: `/home/ada/private,github.com/acme/*`.',
    environmentVariable: 'MEMORY_CONVERSATIONS_EXCLUDE',
    default: '',
  }),
  days: setting(number({ min: 0, max: 36_500 }), {
    doc: 'Days after its last turn for which a conversation is kept; then it moves to the trash. `0` keeps it for ever.',
    environmentVariable: 'MEMORY_CONVERSATIONS_DAYS',
    default: 0,
  }),
} satisfies SettingGroup;

/** Settings of the hooks of clients; docs/hooks.md explains them. */
const hooksSchema = {
  promptMs: setting(integer({ min: 50, max: 10_000 }), {
    doc: 'Milliseconds that a prompt waits for the memories that are close to it, from the start of the process on; after that it goes to the model without them.',
    environmentVariable: 'MEMORY_HOOKS_PROMPT_MS',
    default: 300,
  }),
} satisfies SettingGroup;

/** Every setting. The tables in docs/configuration.md are generated from it. */
export const settingsSchema = {
  dataDir: derived(path('folder'), {
    doc: 'Folder of the memories. Keep it on a local disk, not in a synchronised or network folder.',
    environmentVariable: 'MEMORY_DATA_DIR',
    flag: '--data-dir',
    default: defaultDataFolder,
    defaultDoc: "the system's data folder, see above",
  }),
  space: spaceSetting,
  logLevel: setting(choice(['error', 'warn', 'info', 'debug']), {
    doc: 'Least important level of log entries that are written to stderr. Texts of memories and secrets are never logged.',
    environmentVariable: 'MEMORY_LOG_LEVEL',
    flag: '--log-level',
    default: 'warn',
  }),
  logFormat: setting(choice(['text', 'json']), {
    doc: 'Format of the log: `text` for people, `json` (one object per line) for programs.',
    environmentVariable: 'MEMORY_LOG_FORMAT',
    default: 'text',
  }),
  project: setting(text(), {
    doc: 'Project of new memories that name none, and the one that searches prefer. Empty = the git repository that the client works in; `*` = none.',
    environmentVariable: 'MEMORY_PROJECT',
    default: '',
  }),
  projectPackages: setting(toggle(), {
    doc: 'A package inside a git repository is a project of its own, which also has the facts of the repository. A package is the nearest folder with a `package.json`, `Cargo.toml`, `pyproject.toml` or `go.mod`.',
    environmentVariable: 'MEMORY_PROJECT_PACKAGES',
    default: false,
  }),
  timeZone: derived(timeZone(), {
    doc: 'Time zone of dates in filters and answers, and of counts by day: a name such as `Europe/Berlin`. The web page uses the time zone of the browser.',
    environmentVariable: 'MEMORY_TIME_ZONE',
    default: systemTimeZone,
    late: true,
    defaultDoc: "the system's time zone",
  }),
  textLimit: setting(integer({ min: 100, max: 10_000_000 }), {
    doc: 'Longest text of one memory, in characters (UTF-16 code units). Longer texts are refused, never cut.',
    environmentVariable: 'MEMORY_TEXT_LIMIT',
    default: 100_000,
  }),
  trashDays: setting(number({ min: 0, max: 36_500 }), {
    doc: 'Days after which the content of deleted memories is erased for good: by a running server within the hour, and before the next command that writes. Where another machine deleted a memory, they count from the arrival of the deletion.',
    environmentVariable: 'MEMORY_TRASH_DAYS',
    default: 30,
  }),
  hiddenDays: setting(number({ min: 0, max: 36_500 }), {
    doc: 'Days for which this machine keeps, hidden, the content of memories that another machine erased for good; they count from the arrival. `list --trash` shows these memories, and they can be restored. `0` erases at once.',
    environmentVariable: 'MEMORY_HIDDEN_DAYS',
    default: 30,
  }),
  secrets: setting(choice(['mask', 'reject', 'allow']), {
    doc: 'Handling of passwords, keys and tokens in new memories: `mask` replaces them, `reject` refuses the memory, `allow` stores them.',
    environmentVariable: 'MEMORY_SECRETS',
    default: 'mask',
  }),
  store: storeKind,
  database: databaseSchema,
  conversations: conversationsSchema,
  hooks: hooksSchema,
  vectorIndex: setting(choice(['auto', 'wasm', 'node', 'exact']), {
    doc: 'Vector index: FAISS as WebAssembly (`auto`, `wasm`), the package faiss-node if you install it (`node`), or a plain scan (`exact`).',
    environmentVariable: 'MEMORY_VECTOR_INDEX',
    default: 'auto',
  }),
  embedding: {
    provider: setting(choice(['bundled', 'local', 'openai', 'none']), {
      doc: 'Source of vectors: `bundled` is the model in this package, which reads English; `local` is one in a folder, see below; `openai` is an OpenAI-compatible endpoint (OpenAI, Ollama, LM Studio, vLLM); `none` leaves search by words only.',
      environmentVariable: 'MEMORY_EMBEDDING_PROVIDER',
      default: 'bundled',
    }),
    model: optional(text(), {
      doc: 'Name of the model at the endpoint. Other providers ignore this setting.',
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
      doc: 'Length of vectors to request from the endpoint, for models that offer several lengths.',
      environmentVariable: 'MEMORY_EMBEDDING_DIMENSION',
      defaultDoc: "the model's own",
    }),
    runtime: setting(choice(['auto', 'wasm', 'native']), {
      doc: 'Runtime of the bundled model and of local ones: `wasm` is WebAssembly; `native` is onnxruntime-node, which is faster and which you install yourself; `auto` uses the native one when it is installed.',
      environmentVariable: 'MEMORY_EMBEDDING_RUNTIME',
      default: 'auto',
    }),
    threads: optional(integer({ min: 1, max: 64 }), {
      doc: 'Threads of the bundled model or a local one.',
      environmentVariable: 'MEMORY_EMBEDDING_THREADS',
      defaultDoc: 'chosen by the runtime',
    }),
    secondModel: setting(toggle(), {
      doc: 'A second bundled or local model helps while three texts or more wait, as in an import: for machines with cores to spare. It takes about 100 MB more until ten seconds after the last text. Searches still come first.',
      environmentVariable: 'MEMORY_EMBEDDING_SECOND_MODEL',
      default: false,
    }),
    idleUnloadMinutes: setting(number({ min: 0, max: 10_080 }), {
      doc: 'Minutes without use after which the model is unloaded from memory; 0 keeps it loaded.',
      environmentVariable: 'MEMORY_EMBEDDING_IDLE_UNLOAD_MINUTES',
      default: 5,
    }),
    shared: setting(toggle(), {
      doc: 'Lets all processes of a data folder use one bundled or local model: the first one that needs it serves the others over a local socket that only the same user can open, and searches for them. `false` gives each process a model and a vector index of its own, about 150 MB with the bundled one.',
      environmentVariable: 'MEMORY_EMBEDDING_SHARED',
      default: true,
    }),
    tokenVectors: setting(toggle(), {
      doc: 'Keeps a vector for each word piece of a memory, from the bundled model, so that search ranks better. They take about 1.2 KB for a memory of 30 words on the disk, and are neither backed up nor synced. `false` removes them.',
      environmentVariable: 'MEMORY_TOKEN_VECTORS',
      default: true,
    }),
    timeoutSeconds: setting(number({ min: 1, max: 3_600 }), {
      doc: 'Time limit for one answer of the endpoint, in seconds.',
      environmentVariable: 'MEMORY_EMBEDDING_TIMEOUT_SECONDS',
      default: 30,
    }),
    queryPrefix: optional(text(), {
      doc: 'Text before every query, for models at an endpoint that were trained with one.',
      environmentVariable: 'MEMORY_EMBEDDING_QUERY_PREFIX',
      defaultDoc: "the model's own",
    }),
    passagePrefix: optional(text(), {
      doc: 'Text before every stored text, for models at an endpoint that were trained with one.',
      environmentVariable: 'MEMORY_EMBEDDING_PASSAGE_PREFIX',
      defaultDoc: "the model's own",
    }),
    modelDirectory: optional(path('folder'), {
      doc: 'Folder with the model files: with `local` of the model to use, with `bundled` a copy of those in the package.',
      environmentVariable: 'MEMORY_EMBEDDING_MODEL_DIRECTORY',
      defaultDoc: 'inside the package',
    }),
  },
  backup: backupSchema,
  sync: syncSchema,
  http: httpSchema,
  team: teamSchema,
  auth: authSchema,
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
