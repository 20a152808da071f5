import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { BlobStoreError } from '../errors/remote-errors.ts';
import type { BlobInfo } from './blob-store.ts';
import type { Failure } from './failure.ts';

/** A body has another length than announced, is longer than allowed, or differs from the stored content. */
export class BodyError extends Error {
  readonly problem: 'too-large' | 'wrong-length' | 'wrong-hash';

  constructor(problem: BodyError['problem'], message: string) {
    super(message);
    this.name = 'BodyError';
    this.problem = problem;
  }
}

export interface CollectOptions {
  /** Bytes to drop at the front. Needed when a server answers a range request with the whole object. */
  readonly skip?: number;
  /** Maximum number of bytes to keep. */
  readonly maxBytes: number;
  /** Announced length of the whole body in bytes. Absent: the length is not checked. */
  readonly expected?: number | undefined;
  /** Stop after this many bytes were kept. Default: keep all. */
  readonly take?: number;
  /** Called for each chunk that arrives. */
  readonly onProgress?: () => void;
}

/**
 * Reads a body into memory, up to `maxBytes`. Afterwards the stream is consumed or destroyed.
 * @throws BodyError when the body is too large, or its length differs from `expected`
 */
export async function collectBody(stream: Readable, options: CollectOptions): Promise<Uint8Array> {
  const { skip = 0, take = Infinity } = options;
  const chunks: Uint8Array[] = [];
  let received = 0;
  let kept = 0;
  // Leaving the loop early destroys the stream.
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    options.onProgress?.();
    const part = chunk.subarray(Math.max(0, skip - received)).subarray(0, take - kept);
    received += chunk.length;
    kept += part.length;
    if (kept > options.maxBytes) {
      throw new BodyError('too-large', `more than ${options.maxBytes} bytes were sent`);
    }
    chunks.push(part);
    if (kept >= take) return Buffer.concat(chunks);
  }
  if (options.expected !== undefined && received !== options.expected) {
    throw new BodyError(
      'wrong-length',
      `${received} bytes were received, but ${options.expected} were announced`,
    );
  }
  return Buffer.concat(chunks);
}

/**
 * @param expected hash in lower-case hex; undefined skips the check
 * @throws BodyError when the bytes have another hash
 */
export function assertHash(
  bytes: Uint8Array,
  algorithm: 'md5' | 'sha256',
  expected: string | undefined,
): void {
  if (expected === undefined || createHash(algorithm).update(bytes).digest('hex') === expected) return;
  throw new BodyError('wrong-hash', 'the received bytes differ from the stored ones');
}

/** @returns the failure that a `BodyError` stands for; undefined for any other error */
export function failureOfBody(error: unknown): Failure | undefined {
  if (!(error instanceof BodyError)) return undefined;
  if (error.problem === 'too-large') return { reason: 'too-large' };
  return { reason: error.problem === 'wrong-hash' ? 'integrity' : 'interrupted', retryable: true };
}

export interface ListPage {
  readonly items: readonly BlobInfo[];
  /** Token of the next page; undefined on the last page. */
  readonly next: string | undefined;
}

/**
 * Collects all pages of a listing. Fails rather than return a part of the list.
 * @throws BlobStoreError (`protocol`) when the store repeats a token, because the list would never end
 */
export async function collectPages(
  target: { readonly location: string; readonly prefix: string },
  fetchPage: (token: string | undefined) => Promise<ListPage>,
): Promise<BlobInfo[]> {
  const found: BlobInfo[] = [];
  const seen = new Set<string | undefined>();
  let token: string | undefined;
  do {
    seen.add(token);
    const page = await fetchPage(token);
    found.push(...page.items);
    token = page.next;
    if (token !== undefined && seen.has(token)) {
      throw new BlobStoreError('protocol', {
        operation: 'list',
        location: target.location,
        key: target.prefix,
        problem: 'the store returned the same page of the list twice',
      });
    }
  } while (token !== undefined);
  return found;
}
