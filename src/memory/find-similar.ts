import type { Embedder } from '../embedding/embedder.ts';
import type { MemoryStore } from '../store/memory-store.ts';
import { type Calibration, calibrationFor } from './calibration.ts';
import type { MemoryFilter } from './filter.ts';
import type { Memory } from './memory.ts';
import type { SimilarMemory } from './memory-api.ts';
import { type Comparison, Statement, statementKey } from './same-statement.ts';

export interface SimilarityParts {
  readonly store: MemoryStore;
  readonly embedder: Embedder;
}

/** A text with the vector of its first chunk. */
export interface EmbeddedText {
  readonly text: string;
  /** Vector of the first chunk. */
  readonly vector: Float32Array;
  /** Offset of the end of the first chunk. */
  readonly end: number;
}

/** Length of the candidate lists; a memory with the same words is among the first of them. */
const CANDIDATES = 12;
/** A turn of a conversation is no statement that a fact could repeat. */
const FACTS: MemoryFilter = { kind: 'fact' };
/** Length of the beginning of a text that the full-text index is searched for. */
const ASKED_LENGTH = 2_000;

/** Live facts that say the same, word for word. Needs no model, so it works in every language. */
export async function findSameStatements(store: MemoryStore, text: string): Promise<Memory[]> {
  const words = text.slice(0, ASKED_LENGTH).toWellFormed();
  const { memories = [] } = await store.candidates({
    ...{ filter: FACTS, limit: CANDIDATES, words },
    contents: true,
  });
  const key = statementKey(text);
  return memories.filter((memory) => statementKey(memory.text) === key);
}

/**
 * Live facts that resemble a text, best first: by meaning when the model reads both texts, else by wording.
 * @param options.except id of a memory to leave out
 * @param options.atLeast lowest cosine that counts as near; default the model's threshold for near-duplicates
 */
export async function findSimilar(
  { store, embedder }: SimilarityParts,
  embedded: EmbeddedText,
  options: { readonly limit: number; readonly except?: string; readonly atLeast?: number },
): Promise<SimilarMemory[]> {
  const modelId = await embedder.modelId();
  const calibration = calibrationFor(modelId.modelId);
  const { text, vector } = embedded;
  const { vectors, memories = [] } = await store.candidates({
    filter: FACTS,
    limit: CANDIDATES,
    vector: { modelId, vector },
    contents: true,
    ...(calibration.reads(text) ? {} : { words: text.slice(0, ASKED_LENGTH).toWellFormed() }),
  });
  const nearest = new Map(vectors.map((candidate) => [candidate.id, candidate]));
  const { atLeast = calibration.nearDuplicate } = options;
  const statement = new Statement(text);
  const comparing = { embedded, statement, isRead: calibration.reads(text), calibration, atLeast };
  const similar = memories.flatMap((memory) => {
    if (memory.id === options.except) return [];
    const near = nearest.get(memory.id);
    return describeSimilar(comparing, memory, near) ?? [];
  });
  return similar.toSorted((a, b) => likeness(b) - likeness(a)).slice(0, options.limit);
}

interface Comparing {
  readonly embedded: EmbeddedText;
  readonly statement: Statement;
  /** Whether the model reads the text. */
  readonly isRead: boolean;
  readonly calibration: Calibration;
  readonly atLeast: number;
}

interface Near {
  readonly score: number;
  readonly start?: number;
  readonly end?: number;
}

/** Undefined when the text does not resemble the memory, which is so for most of them. */
function resemblance(
  { statement, isRead, atLeast }: Comparing,
  text: string,
  near: Near | undefined,
): Comparison | undefined {
  if (isRead) {
    if (near !== undefined && near.score >= atLeast) return statement.compare(text);
    return statement.saysTheSame(text) ? { relation: 'same' } : undefined;
  }
  const comparison = statement.compare(text);
  return comparison.relation === 'different' ? undefined : comparison;
}

function describeSimilar(
  comparing: Comparing,
  memory: Memory,
  near: Near | undefined,
): SimilarMemory | undefined {
  const { embedded, calibration } = comparing;
  const isRead = comparing.isRead && calibration.reads(memory.text);
  const comparison = resemblance({ ...comparing, isRead }, memory.text, near);
  if (comparison === undefined) return undefined;
  const { differs } = comparison;
  // The cosine of two first chunks says nothing about the rest of the texts.
  const isWhole =
    embedded.end >= embedded.text.length && near?.start === 0 && (near.end ?? 0) >= memory.text.length;
  const similarity = isRead && isWhole ? calibration.similarity(near.score) : null;
  const { id, text } = memory;
  return {
    id,
    text,
    similarity,
    ...(calibration.isMeasured || similarity === null ? {} : { uncalibrated: true as const }),
    ...(differs === undefined ? {} : { differs }),
  };
}

/** Order of the results: the same statement first, then by similarity, then those without one. */
function likeness({ similarity, differs }: SimilarMemory): number {
  return differs === undefined ? 2 : (similarity ?? 0);
}
