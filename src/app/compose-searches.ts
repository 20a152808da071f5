import type { Settings } from '../config/schema.ts';
import { createEmbedder, type EmbeddingSettings } from '../embedding/create-embedder.ts';
import type { Embedder } from '../embedding/embedder.ts';
import type { FolderServices, Responders } from '../embedding/shared/protocol.ts';
import { SharedEmbedder } from '../embedding/shared/shared-embedder.ts';
import type { Logger } from '../logger.ts';
import type { MemoryStore } from '../store/memory-store.ts';
import type { WorkerStore } from '../store/worker/client.ts';
import { traced, type Tracer } from '../util/tracer.ts';
import { searchingElsewhere, sharedSearches } from './shared-searches.ts';

const MINUTE_MS = 60_000;

export interface Searches {
  readonly embedder: Embedder;
  /** The store, whose searches another process does while it has the model. */
  readonly searched: MemoryStore;
}

export interface SearchOptions {
  /** Instead of the one that the settings ask for; it is shared with nobody here. */
  readonly embedder?: Embedder | undefined;
  readonly tracer?: Tracer | undefined;
  readonly logger: Logger;
  /** How this process answers hooks and commands while the others use its model. */
  readonly responders: Responders;
}

/** The embedder of the settings and the store, both of which another process of the data folder may stand for. */
export function composeSearches(
  settings: Settings,
  { memory: store, restSearches }: Pick<WorkerStore, 'memory' | 'restSearches'>,
  { embedder: given, tracer, logger, responders }: SearchOptions,
): Searches {
  if (given !== undefined) return { embedder: given, searched: store };
  const searches = sharedSearches(store, settings);
  const own = composeEmbedder(settings, { dataDir: settings.dataDir, responders, searches });
  const embedder = tracedEmbedder(own, tracer);
  if (!(own instanceof SharedEmbedder)) return { embedder, searched: store };
  const find = (): ReturnType<SharedEmbedder['otherSearches']> => own.otherSearches();
  const onProblem = (error: unknown): void => {
    logger.debug('another process did not search for this one', {}, error);
  };
  const elsewhere = { find, onUnused: restSearches, onProblem, tracer };
  return { embedder, searched: searchingElsewhere(store, elsewhere) };
}

/** The data folder whose processes share one model, and what this one does for the others while they use its own. */
interface SharedFolder extends FolderServices {
  readonly dataDir: string;
}

/** The embedder that the settings ask for. @param shared absent = the model is for this process alone */
export function composeEmbedder(settings: Settings, shared?: SharedFolder): Embedder {
  return createEmbedder(embeddingSettings(settings, shared));
}

function tracedEmbedder(embedder: Embedder, tracer: Tracer | undefined): Embedder {
  const methods = ['warmUp', 'embedQuery', 'embedQueryTokens', 'embedPassage'] as const;
  return traced(embedder, tracer, { name: 'embedding', methods });
}

function embeddingSettings({ embedding }: Settings, shared?: SharedFolder): EmbeddingSettings {
  const onThisMachine = {
    runtime: embedding.runtime,
    threads: embedding.threads,
    secondModel: embedding.secondModel,
    idleUnloadMs: embedding.idleUnloadMinutes * MINUTE_MS,
    sharedIn: embedding.shared ? shared?.dataDir : undefined,
    responders: shared?.responders,
    searches: shared?.searches,
  };
  const { modelDirectory, tokenVectors } = embedding;
  switch (embedding.provider) {
    case 'bundled':
      return { provider: 'bundled', ...onThisMachine, modelDirectory, tokenVectors };
    case 'local':
      // Settings without the folder are refused.
      return { provider: 'local', ...onThisMachine, modelDirectory: modelDirectory ?? '' };
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
