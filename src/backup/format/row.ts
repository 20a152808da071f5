import {
  compareText,
  canonicalJson,
  type Dot,
  type JsonValue,
  type VersionState,
} from '../../memory/version.ts';
import { isUuid } from '../../util/uuid.ts';
import { MAX_SIBLINGS } from './names.ts';
import type { CarriedChunk, CarriedVectors, CarriedVersion, MemoryState } from '../ports.ts';
import type { ObjectChecker } from './object-checker.ts';

const STATES: readonly VersionState[] = ['live', 'deleted', 'stripped', 'purged'];
const MAX_LIST = 1_000_000;
const MAX_JSON_DEPTH = 100;
const MAX_DIMENSION = 65_536;
/** Size of the scale that precedes a vector's components. */
const SCALE_BYTES = 4;

/** One line of a segment without its line feed. The JSON is canonical, so equal states give equal bytes. */
export function encodeRow({ id, siblings }: MemoryState): string {
  const inOrder = [...siblings].sort(
    (a, b) => compareText(a.dot.machine, b.dot.machine) || a.dot.n - b.dot.n,
  );
  return canonicalJson({ id, siblings: inOrder.map(encodeVersion) });
}

function encodeVersion({ dot, vectors, ...version }: CarriedVersion): unknown {
  const { state, text, tags, source, metadata, createdAt, updatedAt } = version;
  const content = { state, text, tags, source, metadata, createdAt, updatedAt };
  const carried = vectors.length === 0 ? undefined : vectors.map(encodeVectors);
  return { dot: [dot.machine, dot.n], ...content, vectors: carried };
}

function encodeVectors({ modelId, chunks }: CarriedVectors): unknown {
  return {
    model: modelId.modelId,
    dimension: modelId.dimension,
    weights: modelId.weightsHash,
    chunks: chunks.map(({ start, end, vector }) => [start, end, toBase64(vector)]),
  };
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/**
 * Reads one line of a segment and checks every field.
 * @throws RepositoryDamagedError
 */
export function decodeRow(line: Buffer, checker: ObjectChecker): MemoryState {
  const row = checker.object(checker.parse(line), 'row');
  const id = row['id'];
  if (typeof id !== 'string' || !isUuid(id)) return checker.fail('id', 'is not a UUID in lower case');
  const siblings = checker
    .list(row['siblings'], 'siblings', MAX_SIBLINGS)
    .map((version) => decodeVersion(version, checker));
  if (siblings.length === 0) checker.fail('siblings', 'is empty');
  const dots = new Set(siblings.map(({ dot }) => `${dot.machine} ${dot.n}`));
  if (dots.size < siblings.length) checker.fail('siblings', 'names a dot twice');
  return { id, siblings };
}

function decodeVersion(value: unknown, checker: ObjectChecker): CarriedVersion {
  const fields = checker.object(value, 'siblings');
  const state = STATES.find((candidate) => candidate === fields['state']);
  if (state === undefined) return checker.fail('state', 'is none of the known states');
  const version: CarriedVersion = {
    dot: decodeDot(fields['dot'], checker),
    state,
    text: checker.text(fields['text'], 'text'),
    tags: decodeTags(fields['tags'], checker),
    source: checker.text(fields['source'], 'source'),
    metadata: decodeMetadata(fields['metadata'], checker),
    createdAt: checker.time(fields['createdAt'], 'createdAt'),
    updatedAt: checker.time(fields['updatedAt'], 'updatedAt'),
    vectors: [],
  };
  if ((state === 'stripped' || state === 'purged') && !isEmptied(version, fields['vectors'])) {
    checker.fail('state', `says ${state} although there is content`);
  }
  return { ...version, vectors: decodeVectorLists(fields['vectors'], version.text.length, checker) };
}

function isEmptied({ text, tags, source, metadata }: CarriedVersion, vectors: unknown): boolean {
  const empty = text === '' && tags.length === 0 && source === '' && Object.keys(metadata).length === 0;
  return empty && vectors === undefined;
}

function decodeDot(value: unknown, checker: ObjectChecker): Dot {
  const [machine, n, ...rest] = checker.list(value, 'dot', 2);
  if (rest.length > 0) checker.fail('dot', 'has more than two entries');
  return {
    machine: checker.machine(machine, 'dot'),
    n: checker.integer(n, 'dot', { min: 1, max: Number.MAX_SAFE_INTEGER }),
  };
}

function decodeTags(value: unknown, checker: ObjectChecker): string[] {
  const tags = checker.list(value, 'tags', MAX_LIST).map((tag) => checker.text(tag, 'tags'));
  tags.forEach((tag, index) => {
    const previous = tags[index - 1];
    if (tag === '' || (previous !== undefined && previous >= tag)) {
      checker.fail('tags', 'is not a sorted list of distinct, non-empty texts');
    }
  });
  return tags;
}

function decodeMetadata(value: unknown, checker: ObjectChecker): Record<string, JsonValue> {
  const metadata = checker.object(value, 'metadata');
  assertJson(metadata, checker, 0);
  // `assertJson` has checked every value in it.
  return metadata as Record<string, JsonValue>;
}

/** Refuses values that JSON.parse accepts and the store does not: NUL, lone surrogates, infinity, deep nesting. */
function assertJson(value: unknown, checker: ObjectChecker, depth: number): void {
  if (depth > MAX_JSON_DEPTH) checker.fail('metadata', `is nested deeper than ${MAX_JSON_DEPTH} levels`);
  if (typeof value === 'string') checker.text(value, 'metadata');
  else if (typeof value === 'number' && !Number.isFinite(value)) checker.fail('metadata', 'is not finite');
  else if (Array.isArray(value)) for (const item of value) assertJson(item, checker, depth + 1);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      checker.text(key, 'metadata');
      assertJson(member, checker, depth + 1);
    }
  }
}

function decodeVectorLists(value: unknown, textLength: number, checker: ObjectChecker): CarriedVectors[] {
  if (value === undefined) return [];
  return checker.list(value, 'vectors', MAX_LIST).map((entry) => {
    const fields = checker.object(entry, 'vectors');
    const weights = checker.text(fields['weights'], 'weights');
    const modelId = {
      modelId: checker.text(fields['model'], 'model'),
      dimension: checker.integer(fields['dimension'], 'dimension', { min: 1, max: MAX_DIMENSION }),
      weightsHash: weights === '' ? weights : checker.sha256(weights, 'weights'),
    };
    const chunks = checker
      .list(fields['chunks'], 'chunks', MAX_LIST)
      .map((chunk) => decodeChunk(chunk, { dimension: modelId.dimension, textLength }, checker));
    return { modelId, chunks };
  });
}

function decodeChunk(
  value: unknown,
  { dimension, textLength }: { readonly dimension: number; readonly textLength: number },
  checker: ObjectChecker,
): CarriedChunk {
  const [startValue, endValue, encoded] = checker.list(value, 'chunks', 3);
  const start = checker.integer(startValue, 'chunks', { min: 0, max: textLength });
  const end = checker.integer(endValue, 'chunks', { min: start, max: textLength });
  const vector = checker.base64(encoded, 'chunks', SCALE_BYTES + dimension);
  if (!Number.isFinite(vector.readFloatLE(0))) checker.fail('chunks', 'has a scale that is not finite');
  return { start, end, vector };
}
