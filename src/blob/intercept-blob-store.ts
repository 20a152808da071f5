import type { BlobOperation } from '../errors/remote-errors.ts';
import type { BlobStore } from './blob-store.ts';

/** What an interceptor knows about a call. */
export interface InterceptedCall {
  readonly operation: Exclude<BlobOperation, 'open' | 'create-bucket'>;
  /** The key, or the prefix of a list. */
  readonly key: string;
  readonly signal: AbortSignal | undefined;
  /** A put with `onlyIf`: repeating it after it succeeded unseen would make it fail. */
  readonly conditional: boolean;
}

/** Runs around every call; `proceed` may be called any number of times. */
export type BlobInterceptor = <T>(call: InterceptedCall, proceed: () => Promise<T>) => Promise<T>;

/** A store whose every call passes through `interceptor`; the base of the decorators. Closing it closes `inner`. */
export function interceptBlobStore(inner: BlobStore, interceptor: BlobInterceptor): BlobStore {
  const describe = (
    operation: InterceptedCall['operation'],
    key: string,
    options: { readonly signal?: AbortSignal | undefined; readonly onlyIf?: unknown } = {},
  ): InterceptedCall => ({
    operation,
    key,
    signal: options.signal,
    conditional: options.onlyIf !== undefined,
  });
  return {
    location: inner.location,
    put: (key, bytes, options) =>
      interceptor(describe('put', key, options), () => inner.put(key, bytes, options)),
    get: (key, options) => interceptor(describe('get', key, options), () => inner.get(key, options)),
    head: (key, options) => interceptor(describe('head', key, options), () => inner.head(key, options)),
    list: (prefix, options) =>
      interceptor(describe('list', prefix, options), () => inner.list(prefix, options)),
    delete: (key, options) => interceptor(describe('delete', key, options), () => inner.delete(key, options)),
    serverTime: () => inner.serverTime(),
    close: () => inner.close(),
  };
}
