import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApp, resolveConfig, type App, type EmbeddingModelId } from 'faiss-memory';

/** Number of distinct words. The most frequent ones stand for stop words. */
const VOCABULARY = 20_000;
const STOP_WORDS = 50;

/** Deterministic numbers in [0, 1). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 374_761_393) >>> 0;
    return state / 2 ** 32;
  };
}

/** A word whose frequency falls with its rank, as in natural languages (Zipf's law). */
function randomWord(random: () => number, firstRank: number): string {
  return `w${Math.floor(firstRank * (VOCABULARY / firstRank) ** random())}`;
}

/** Forty words, the length of a usual memory. */
export function randomText(random: () => number): string {
  return Array.from({ length: 40 }, () => randomWord(random, 1)).join(' ');
}

/** Five words without stop words, because search ignores those. */
export function randomQuery(random: () => number): string {
  return Array.from({ length: 5 }, () => randomWord(random, STOP_WORDS)).join(' ');
}

export function randomUnitVector(random: () => number, dimension: number): Float32Array {
  const vector = Float32Array.from({ length: dimension }, () => random() + random() + random() - 1.5);
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}

/** The form in which the store takes vectors: a float32 scale (4 bytes), then one signed byte for each dimension. */
export function encode(vector: Float32Array): Uint8Array {
  const scale = Math.fround(Math.max(...vector.map(Math.abs)) / 127);
  const bytes = new Uint8Array(4 + vector.length);
  new DataView(bytes.buffer).setFloat32(0, scale, true);
  bytes.set(
    Int8Array.from(vector, (value) => Math.round(value / scale)),
    4,
  );
  return bytes;
}

/** The vectors are made up, so the model would make token vectors of all memories beside the measurement. */
export const VECTORS_ONLY = { MEMORY_TOKEN_VECTORS: 'false' };

export interface FilledApp {
  readonly app: App;
  readonly modelId: EmbeddingModelId;
  readonly dataDir: string;
  close(): Promise<void>;
}

/** An app on a new data folder with the given number of memories, each with a random vector. */
export async function filledApp(memories: number, env: Record<string, string> = {}): Promise<FilledApp> {
  const dataDir = mkdtempSync(join(tmpdir(), 'faiss-memory-bench-'));
  const machine = { platform: process.platform, homeDirectory: dataDir, workingDirectory: process.cwd() };
  const { settings } = resolveConfig({
    ...machine,
    env: { ...env, ...VECTORS_ONLY, MEMORY_DATA_DIR: dataDir },
  });
  const app = await createApp(settings);
  const modelId = await app.embedder.modelId();
  const random = randomNumbers(memories);
  for (let start = 0; start < memories; start += 1_000) {
    const count = Math.min(1_000, memories - start);
    const drafts = Array.from({ length: count }, (_, index) => ({
      text: randomText(random),
      tags: [`tag${(start + index) % 50}`],
      source: '',
      metadata: {},
    }));
    await app.store.import(drafts);
    const pending = await app.store.claimPendingEmbeddings({ modelId, limit: count, leaseMs: 60_000 });
    const chunk = (text: string) => ({
      start: 0,
      end: text.length,
      vector: encode(randomUnitVector(random, modelId.dimension)),
    });
    await app.store.putEmbeddings(
      modelId,
      pending.map(({ versionKey, text }) => ({ versionKey, chunks: [chunk(text)] })),
    );
  }
  // As each hour of a server does it.
  await app.tidy();
  // Closed once, so that nothing measured pays for what filling left in the write-ahead log.
  await app.close();
  const filled = await createApp(settings);
  return {
    app: filled,
    modelId,
    dataDir,
    close: async () => {
      await filled.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
