import { BundledEmbedder, type BundledEmbedderSettings } from './bundled-embedder.ts';
import type { Embedder } from './embedder.ts';
import { OpenAiCompatibleEmbedder, type OpenAiCompatibleSettings } from './openai-compatible-embedder.ts';
import { UnavailableEmbedder } from './unavailable-embedder.ts';

export type EmbeddingSettings =
  | ({ readonly provider: 'bundled' } & BundledEmbedderSettings)
  | ({ readonly provider: 'openai' } & OpenAiCompatibleSettings)
  | { readonly provider: 'none' };

/** The embedder that the settings ask for; nothing is loaded or contacted yet. */
export function createEmbedder(settings: EmbeddingSettings): Embedder {
  switch (settings.provider) {
    case 'bundled':
      return new BundledEmbedder(settings);
    case 'openai':
      return new OpenAiCompatibleEmbedder(settings);
    case 'none':
      return new UnavailableEmbedder();
  }
}
