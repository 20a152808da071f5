import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { BlobStoreError } from '../errors/remote-errors.ts';
import type { BlobInfo } from './blob-store.ts';
import type { Failure } from './failure.ts';

/** A body was longer or shorter than announced, longer than allowed, or not what was once stored. */
export class BodyError extends Error {
  readonly problem: 'too-large' | 'wrong-length' | 'wrong-hash';

  constructor(problem: BodyError['problem'], message: string) {
    super(message);
    this.name = 'BodyError';
    this.problem = problem;
  }
}

export interface CollectOptions {
  /** Bytes at the front to leave out, when a server answers a range with the whole object. */
  readonly skip?: number;
  /** Most bytes to keep. */
  readonly maxBytes: number;
  /** Length of the whole body that was announced, when it was. */
  readonly expected?: number | undefined;
  /** Stop after this many kept bytes and drop the rest. */
  readonly take?: number;
  readonly onProgress?: () => void;
}

/** Reads a body into memory, never more of it than allowed. The stream is consumed or destroyed when it returns. */
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
      `${received} bytes were received of ${options.expected} that were announced`,
    );
  }
  return Buffer.concat(chunks);
}

/** @throws BodyError when the bytes do not have the hash; an unknown hash is not checked */
export function assertHash(
  bytes: Uint8Array,
  algorithm: 'md5' | 'sha256',
  expected: string | undefined,
): void {
  if (expected === undefined || createHash(algorithm).update(bytes).digest('hex') === expected) return;
  throw new BodyError('wrong-hash', 'the bytes received are not those that were stored');
}

/** What a `BodyError` means; undefined for any other error. */
export function failureOfBody(error: unknown): Failure | undefined {
  if (!(error instanceof BodyError)) return undefined;
  if (error.problem === 'too-large') return { reason: 'too-large' };
  return { reason: error.problem === 'wrong-hash' ? 'integrity' : 'interrupted', retryable: true };
}

export interface ListPage {
  readonly items: readonly BlobInfo[];
  /** Where the next page begins; undefined on the last one. */
  readonly next: string | undefined;
}

/**
 * All pages of a listing, or an error: never a part of it.
 * @throws BlobStoreError (`protocol`) when a token comes again, since the list would never end
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
        problem: 'the store answers the same page of the list again and again',
      });
    }
  } while (token !== undefined);
  return found;
}
