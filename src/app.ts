import type { Settings } from './config/schema.ts';
import { createEmbedder, type EmbeddingSettings } from './embedding/create-embedder.ts';
import type { Embedder } from './embedding/embedder.ts';
import type { MemoryApi } from './memory/memory-api.ts';
import { MemoryService } from './memory/memory-service.ts';
import { createSecretScanner } from './secrets/create-secret-scanner.ts';
import { hostMemoryStore } from './store/hosted-memory-store.ts';
import type { MemoryStore } from './store/memory-store.ts';

/** The composed services. */
export interface App {
  readonly memory: MemoryApi;
  readonly store: MemoryStore;
  readonly embedder: Embedder;
  readonly settings: Settings;
  /** Idempotent. */
  close(): Promise<void>;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A hybrid search answers by words rather than wait longer than this for a model that is loading. */
const MODEL_WAIT_MS = 250;

/** Composition root: the one place that names concrete adapters. Opens nothing; the first call does. */
export function createApp(settings: Settings): Promise<App> {
  const store = hostMemoryStore({ dataDir: settings.dataDir, vectorIndex: settings.vectorIndex });
  const embedder = createEmbedder(embeddingSettings(settings));
  const memory = new MemoryService({
    store,
    embedder,
    rules: {
      scanner: createSecretScanner(),
      secrets: settings.secrets,
      textLimit: settings.textLimit,
      defaultProject: settings.project,
    },
    now: Date.now,
    modelWaitMs: MODEL_WAIT_MS,
    trashMs: settings.trashDays * DAY_MS,
  });
  const close = once(async () => {
    // What the service has in work ends with the embedder; the model's thread may end beside the store.
    const embedderClosed = embedder.close();
    await memory.close();
    await store.close();
    await embedderClosed;
  });
  return Promise.resolve({ memory, store, embedder, settings, close });
}

function embeddingSettings({ embedding }: Settings): EmbeddingSettings {
  switch (embedding.provider) {
    case 'bundled':
      return {
        provider: 'bundled',
        runtime: embedding.runtime,
        threads: embedding.threads,
        idleUnloadMs: embedding.idleUnloadMinutes * MINUTE_MS,
        modelDirectory: embedding.modelDirectory,
      };
    case 'openai':
      return {
        provider: 'openai',
        baseUrl: embedding.baseUrl,
        apiKey: embedding.apiKey?.reveal(),
        model: embedding.model,
        dimension: embedding.dimension,
        timeoutMs: embedding.timeoutSeconds * 1_000,
        queryPrefix: embedding.queryPrefix,
        passagePrefix: embedding.passagePrefix,
      };
    case 'none':
      return { provider: 'none' };
  }
}

function once(action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= action());
}
