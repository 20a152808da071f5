import { EmbeddingUnavailableError } from '../errors/embedding-errors.ts';
import { BundledEmbedder, type BundledEmbedderSettings } from './bundled-embedder.ts';
import type { Embedder, EmbeddingModelId } from './embedder.ts';
import { EmbedderPair } from './embedder-pair.ts';
import { OpenAiCompatibleEmbedder, type OpenAiCompatibleSettings } from './openai-compatible-embedder.ts';
import type { FolderServices } from './shared/protocol.ts';
import { SharedEmbedder } from './shared/shared-embedder.ts';

/** The services are for the other processes, while the model of this one is the shared one. */
interface Shareable extends FolderServices {
  /** Data folder whose processes share one model; undefined = this process has its own. */
  readonly sharedIn: string | undefined;
  /** Whether a second model helps while many texts wait. @default false */
  readonly secondModel?: boolean | undefined;
}

/** A second model is unloaded when no text came for so long. */
const SECOND_UNLOADED_AFTER_MS = 10_000;

export type EmbeddingSettings =
  | ({ readonly provider: 'bundled' } & Shareable & BundledEmbedderSettings)
  | ({ readonly provider: 'local'; readonly modelDirectory: string } & Shareable & BundledEmbedderSettings)
  | ({ readonly provider: 'openai' } & OpenAiCompatibleSettings)
  | { readonly provider: 'none' };

/** Creates the embedder of the settings. It neither loads a model nor connects yet. */
export function createEmbedder(settings: EmbeddingSettings): Embedder {
  switch (settings.provider) {
    case 'bundled':
      return onThisMachine(settings);
    case 'local':
      return onThisMachine({ ...settings, local: true });
    case 'openai':
      return new OpenAiCompatibleEmbedder(settings);
    case 'none':
      return new UnavailableEmbedder();
  }
}

function onThisMachine({
  sharedIn,
  responders,
  searches,
  secondModel = false,
  ...settings
}: Shareable & BundledEmbedderSettings): Embedder {
  const createOwn = (onReadyChange?: () => void): Embedder => {
    const first = new BundledEmbedder({ ...settings, onReadyChange });
    if (!secondModel) return first;
    return new EmbedderPair(
      first,
      new BundledEmbedder({ ...settings, idleUnloadMs: SECOND_UNLOADED_AFTER_MS }),
    );
  };
  return sharedIn === undefined
    ? createOwn()
    : new SharedEmbedder({ dataDir: sharedIn, createOwn, responders, searches });
}

/** Stands for switched-off embeddings: every call fails, so search compares words only. */
class UnavailableEmbedder implements Embedder {
  readonly ready = true;

  modelId(): Promise<EmbeddingModelId> {
    return this.#refuse();
  }

  warmUp(): Promise<void> {
    return this.#refuse();
  }

  embedQuery(): Promise<never> {
    return this.#refuse();
  }

  embedPassage(): Promise<never> {
    return this.#refuse();
  }

  describe(): Record<string, string> {
    return { provider: 'none' };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #refuse(): Promise<never> {
    return Promise.reject(
      new EmbeddingUnavailableError('Embeddings are switched off', {
        retryable: false,
        fix: 'Set MEMORY_EMBEDDING_PROVIDER=bundled to search by meaning.',
      }),
    );
  }
}
