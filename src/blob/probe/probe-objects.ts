import { randomBytes } from 'node:crypto';
import { BlobStoreError, type BlobOperation, type BlobStoreReason } from '../../errors/remote-errors.ts';
import { fixes } from '../failure.ts';
import type { BlobCallOptions, BlobStore } from '../blob-store.ts';
import type { ConditionalPut, ProbeFinding, ProbeCheck } from './probe-finding.ts';

/** A store and a folder in it that belongs to the probe alone. */
export interface ProbeArea {
  readonly store: BlobStore;
  /** Key prefix ending in a slash. */
  readonly folder: string;
  readonly options: BlobCallOptions;
}

const permissions: Partial<Record<BlobOperation, string>> = {
  put: 'write objects (s3:PutObject)',
  get: 'read objects (s3:GetObject)',
  head: 'read objects (s3:GetObject)',
  list: 'list objects (s3:ListBucket)',
  delete: 'delete objects (s3:DeleteObject)',
};

const first = new TextEncoder().encode('faiss-memory probe: first content');
const second = new TextEncoder().encode('faiss-memory probe: second');

/** Writes, reads, overwrites, lists and deletes one object. Stops at the first problem. */
export async function probeObjects(area: ProbeArea): Promise<ProbeFinding[]> {
  const findings: ProbeFinding[] = [];
  for (const step of [probeWrite, probeRead, probeOverwrite, probeRange, probeDelete]) {
    const finding = await step(area).catch((error: unknown) => findingOfDenial(error));
    findings.push(finding);
    if (finding.level === 'problem') break;
  }
  return findings;
}

async function probeWrite({ store, folder, options }: ProbeArea): Promise<ProbeFinding> {
  await store.put(`${folder}object`, first, options);
  return ok('put', 'Objects can be written.');
}

async function probeRead({ store, folder, options }: ProbeArea): Promise<ProbeFinding> {
  const blob = await store.get(`${folder}object`, options);
  const listed = await store.list(folder, options);
  if (blob === null || listed.length === 0) {
    return broken('get', 'An object that was just written is missing.');
  }
  if (!Buffer.from(blob.bytes).equals(first) || listed[0]?.size !== first.length) {
    return broken('get', 'The store returned an object with other content than was written.');
  }
  return ok('get', 'Objects can be read, and have the content that was written.');
}

async function probeOverwrite({ store, folder, options }: ProbeArea): Promise<ProbeFinding> {
  await store.put(`${folder}object`, second, options);
  const blob = await store.get(`${folder}object`, options);
  if (blob !== null && Buffer.from(blob.bytes).equals(second)) return ok('put', 'Objects can be replaced.');
  return broken('put', 'A replaced object still shows its old content.');
}

async function probeRange({ store, folder, options }: ProbeArea): Promise<ProbeFinding> {
  const part = await store.get(`${folder}object`, { ...options, range: { start: 3, end: 9 } });
  if (part !== null && Buffer.from(part.bytes).equals(second.subarray(3, 9))) {
    return ok('range', 'Parts of objects can be read.');
  }
  return broken('range', 'The store returned another part of an object than was requested.');
}

async function probeDelete({ store, folder, options }: ProbeArea): Promise<ProbeFinding> {
  try {
    await store.delete(`${folder}object`, options);
  } catch (error) {
    if (!(error instanceof BlobStoreError) || error.reason !== 'access-denied') throw error;
    return {
      check: 'delete',
      level: 'warning',
      message: 'Objects cannot be deleted, so the bucket only grows.',
      fix: 'Allow this key to delete objects (s3:DeleteObject), or leave it so to protect the backups from deletion.',
    };
  }
  if ((await store.get(`${folder}object`, options)) === null) return ok('delete', 'Objects can be deleted.');
  return broken('delete', 'A deleted object still exists.');
}

const MIB = 1024 * 1024;
/** Only memory stores with tens of thousands of memories write larger objects. */
const ENOUGH_FOR_SMALL_STORES = 8 * MIB;
/** Sizes to try after the largest was refused, to find the limit. */
const SMALLER_MIB = [8, 4, 2, 1, 0.5];

/** Temporary failures, which say nothing about the size. */
const PASSING: ReadonlySet<BlobStoreReason> = new Set(['throttled', 'timeout', 'unreachable', 'conflict']);

/**
 * Writes one object of the largest usual size. A proxy in front of the store may limit the size, and may close the
 * connection or refuse the request without naming the limit.
 * @returns undefined when a temporary problem prevents the test
 */
export async function probeLargest(area: ProbeArea, bytes: number): Promise<ProbeFinding | undefined> {
  const mib = (size: number): string => `${size / MIB} MiB`;
  const error = await tryToPut(area, bytes);
  if (error === null) return ok('put', `Objects of ${mib(bytes)}, the largest usual size, can be written.`);
  if (PASSING.has(error.reason)) return undefined;
  if (error.reason === 'full') return findingOfDenial(error);
  let accepted = 0;
  for (const size of SMALLER_MIB.map((count) => count * MIB)) {
    if ((await tryToPut(area, size)) !== null) continue;
    accepted = size;
    break;
  }
  const taken = accepted === 0 ? 'small objects' : `objects of ${mib(accepted)}`;
  return {
    check: 'put',
    level: accepted >= ENOUGH_FOR_SMALL_STORES ? 'warning' : 'problem',
    message: `The store, or a proxy in front of it, accepts ${taken}, but none of ${mib(bytes)}, which backups can need (${error.reason}).`,
    fix: fixes.bodies,
  };
}

async function tryToPut(
  { store, folder, options }: ProbeArea,
  bytes: number,
): Promise<BlobStoreError | null> {
  try {
    await store.put(`${folder}large`, randomBytes(bytes), options);
    return null;
  } catch (error) {
    if (error instanceof BlobStoreError) return error;
    throw error;
  }
}

/** Tries both kinds of conditional write, and detects servers that accept a condition and ignore it. */
export async function probeConditions(area: ProbeArea): Promise<ConditionalPut> {
  const { store, folder, options } = area;
  const key = `${folder}condition`;
  try {
    const { etag } = await store.put(key, first, options);
    const absent = await outcome(store.put(key, second, { ...options, onlyIf: 'absent' }));
    if (absent !== 'held') return absent;
    await store.put(key, second, options);
    if (etag === null) return 'absent-only';
    const stale = await outcome(store.put(key, first, { ...options, onlyIf: { etag } }));
    if (stale !== 'held') return 'absent-only';
    const current = (await store.head(key, options))?.etag ?? '';
    const matching = await outcome(store.put(key, first, { ...options, onlyIf: { etag: current } }));
    // A store that refuses even a matching etag is of no use.
    return matching === 'ignored' ? 'honoured' : 'absent-only';
  } catch (error) {
    if (!(error instanceof BlobStoreError)) throw error;
    return 'unknown';
  }
}

/** `held`: the condition stopped the write. `ignored`: the write happened. `refused`: the store has no conditions. */
async function outcome(put: Promise<unknown>): Promise<'held' | 'ignored' | 'refused'> {
  try {
    await put;
    return 'ignored';
  } catch (error) {
    if (!(error instanceof BlobStoreError)) throw error;
    if (error.reason === 'precondition' || error.reason === 'conflict') return 'held';
    if (error.reason === 'unsupported') return 'refused';
    throw error;
  }
}

function ok(check: ProbeCheck, message: string): ProbeFinding {
  return { check, level: 'ok', message };
}

function broken(check: ProbeCheck, message: string): ProbeFinding {
  return { check, level: 'problem', message, fix: 'Use another store: this one does not work reliably.' };
}

function findingOfDenial(error: unknown): ProbeFinding {
  if (!(error instanceof BlobStoreError)) throw error;
  const check: ProbeCheck = error.operation === 'put' || error.operation === 'list' ? error.operation : 'get';
  const permission = permissions[error.operation];
  const fix =
    error.reason === 'access-denied' && permission !== undefined
      ? `Allow this key to ${permission} under the prefix.`
      : (error.fix ?? 'Try again; if it persists, ask the provider.');
  return { check, level: 'problem', message: error.message, fix };
}
