import {
  createApp,
  resolveConfig,
  type App,
  type EmbeddedQuery,
  type Embedder,
  type SearchMode,
  type SearchResponse,
} from 'faiss-memory';
import { tmpdir } from 'node:os';
import type { Dataset } from './datasets.ts';

/** As long as the lists that a search with a usual limit fuses, so that the figures hold for it. */
const DEPTH = 50;

export interface EvaluatedStore {
  readonly app: App;
  readonly search: (question: Dataset['questions'][number], mode: SearchMode) => Promise<SearchResponse>;
}

interface OpenOptions {
  readonly dataDir: string;
  /** Default: the one of the settings. */
  readonly embedder?: Embedder;
}

/** Opens a store that holds the documents of a dataset; a second run with the same folder finds them embedded. */
export async function openEvaluated(dataset: Dataset, options: OpenOptions): Promise<EvaluatedStore> {
  const machine = { platform: process.platform, homeDirectory: tmpdir(), workingDirectory: process.cwd() };
  const env = { ...process.env, MEMORY_DATA_DIR: options.dataDir, MEMORY_SECRETS: 'allow' };
  const { settings } = resolveConfig({ ...machine, env });
  const app = await createApp(settings, options.embedder === undefined ? {} : { embedder: options.embedder });
  await index(app, dataset);
  const partitioned = dataset.documents.some(({ partition }) => partition !== '');
  return {
    app,
    search: ({ text, partition }, mode) =>
      app.memory.search({
        query: text,
        mode,
        limit: DEPTH,
        ...(partitioned && partition !== '' ? { filter: { metadata: { partition } } } : {}),
      }),
  };
}

/** The documents of an answer, best first. */
export function documentsOf({ hits }: SearchResponse): string[] {
  return hits.map(({ memory: { metadata } }) =>
    typeof metadata['document'] === 'string' ? metadata['document'] : '',
  );
}

async function index(app: App, dataset: Dataset): Promise<void> {
  const before = await app.memory.stats();
  if (before.live < dataset.documents.length) {
    for (let start = 0; start < dataset.documents.length; start += 100) {
      const batch = dataset.documents.slice(start, start + 100);
      await app.memory.add({
        memories: batch.map(({ id, text, partition, session }) => ({
          text,
          metadata: { document: id, partition, ...(session === undefined ? {} : { session }) },
        })),
        onDuplicate: 'add',
      });
    }
  }
  await app.memory.reembed(({ done, total }) => {
    if (done > 0 && done % 200 === 0) console.error(`${dataset.name}: ${done} of ${total} embedded`);
  });
}

/** Remembers every vector, because small stores share their texts. Does not close the embedder. */
export function rememberingEmbedder(embedder: Embedder): Embedder {
  const queries = new Map<string, ReturnType<Embedder['embedQuery']>>();
  const passages = new Map<string, ReturnType<Embedder['embedPassage']>>();
  const tokenQueries = new Map<string, Promise<EmbeddedQuery>>();
  const { tokenSpace } = embedder;
  const ofTokens = (text: string): Promise<EmbeddedQuery> =>
    embedder.embedQueryTokens?.(text) ?? Promise.reject(new TypeError('There are no token vectors.'));
  const remembered = <Value>(known: Map<string, Value>, text: string, make: () => Value): Value => {
    const value = known.get(text) ?? make();
    known.set(text, value);
    return value;
  };
  return {
    ready: true,
    modelId: () => embedder.modelId(),
    warmUp: () => embedder.warmUp(),
    embedQuery: (text) => remembered(queries, text, () => embedder.embedQuery(text)),
    embedPassage: (text) => remembered(passages, text, () => embedder.embedPassage(text)),
    ...(tokenSpace === undefined
      ? {}
      : {
          tokenSpace,
          embedQueryTokens: (text: string) => remembered(tokenQueries, text, () => ofTokens(text)),
        }),
    describe: () => embedder.describe(),
    close: () => Promise.resolve(),
  };
}
