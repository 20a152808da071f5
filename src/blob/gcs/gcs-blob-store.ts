import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFile } from 'node:fs/promises';
import type { ClientRequest } from 'node:http';
import type { Bucket, File, FileMetadata } from '@google-cloud/storage';
import { BlobStoreError } from '../../errors/remote-errors.ts';
import { collectBody, collectPages } from '../answers.ts';
import {
  assertBlobKey,
  assertBlobPrefix,
  assertByteRange,
  assertNotTooLarge,
  clampRange,
  defaultMaxBytes,
  isBlobKey,
  normalizePrefix,
  unlessBlank,
} from '../arguments.ts';
import type { GcsBlobSettings } from '../blob-settings.ts';
import type {
  Blob,
  BlobCallOptions,
  BlobGetOptions,
  BlobInfo,
  BlobPutOptions,
  BlobReceipt,
  CreatableBlobStore,
  UnrangedGetOptions,
} from '../blob-store.ts';
import { missingPackageError } from '../failure.ts';
import { loadOptionalPackage } from '../../util/load-optional-package.ts';
import { type Deadline, type RequestCall, RequestRunner, ServerClock } from '../request-runner.ts';
import { gcsError, gcsStatus } from './gcs-errors.ts';

/** Number of attempts to read an object that is replaced during the read. */
const readAttempts = 25;

/**
 * Google Cloud Storage, through the optional package `@google-cloud/storage`. Etags are generation numbers.
 * The library cannot abort a request: an aborted call rejects at once, but its request may still take effect.
 */
export class GcsBlobStore implements CreatableBlobStore {
  readonly location: string;
  readonly #bucket: Bucket;
  readonly #prefix: string;
  readonly #runner: RequestRunner;
  readonly #clock = new ServerClock();
  readonly #cutAnswers = new CutAnswers();

  private constructor(bucket: Bucket, settings: GcsBlobSettings) {
    this.#bucket = bucket;
    this.#prefix = normalizePrefix(settings.prefix, `gs://${bucket.name}`);
    this.location = `gs://${bucket.name}/${this.#prefix}`;
    const { timeoutMs } = settings;
    this.#runner = new RequestRunner({ location: this.location, timeoutMs, secrets: [], toError: gcsError });
  }

  /** Loads the package without connecting. @throws BlobStoreError `misconfigured` or `missing-package` */
  static async open(settings: GcsBlobSettings): Promise<GcsBlobStore> {
    return new GcsBlobStore(await openGcsBucket(settings), settings);
  }

  async put(key: string, bytes: Uint8Array, options: BlobPutOptions = {}): Promise<BlobReceipt> {
    assertBlobKey(key);
    const { onlyIf } = options;
    const generation = onlyIf === 'absent' ? 0 : onlyIf?.etag;
    return this.#run({ operation: 'put', key, bytes: bytes.length }, options, async (deadline) => {
      const file = this.#file(key);
      const saved = file.save(Buffer.from(bytes), {
        resumable: false,
        // The store checks `md5Hash` before it replaces the object. The library's own validation would run afterwards,
        // and would delete the object on a failure.
        validation: false,
        metadata: { md5Hash: createHash('md5').update(bytes).digest('base64') },
        contentType: 'application/octet-stream',
        ...(generation === undefined ? {} : { preconditionOpts: { ifGenerationMatch: generation } }),
      });
      await within(deadline, saved);
      if (file.metadata.generation === undefined) throw notAStore();
      this.#clock.observe(Date.parse(file.metadata.updated ?? ''));
      return { etag: etagOf(file.metadata) };
    });
  }

  async get(key: string, options: BlobGetOptions = {}): Promise<Blob | null> {
    const blob = await this.#get(key, null, options);
    // Without a known etag nothing counts as unchanged.
    return blob === 'unchanged' ? null : blob;
  }

  /** The properties, which `get` asks for first in any case, answer the condition. */
  getIfChanged(
    key: string,
    etag: string,
    options: UnrangedGetOptions = {},
  ): Promise<Blob | null | 'unchanged'> {
    return this.#get(key, etag, options);
  }

  async head(key: string, options: BlobCallOptions = {}): Promise<BlobInfo | null> {
    assertBlobKey(key);
    return this.#run({ operation: 'head', key }, options, (deadline) => this.#head(key, deadline));
  }

  async list(prefix: string, options: BlobCallOptions = {}): Promise<readonly BlobInfo[]> {
    assertBlobPrefix(prefix);
    return collectPages({ location: this.location, prefix }, (pageToken) =>
      this.#run({ operation: 'list', key: prefix }, options, async (deadline) => {
        const query = { prefix: this.#prefix + prefix, autoPaginate: false, maxResults: 1000 };
        const from = pageToken === undefined ? {} : { pageToken };
        const answer = await within(deadline, this.#bucket.getFiles({ ...query, ...from }));
        const [files, following, body] = answer as [File[], { pageToken?: string } | null, { kind?: string }];
        if (body.kind !== 'storage#objects') throw notAStore();
        return { items: files.flatMap((file) => this.#infoOf(file)), next: following?.pageToken };
      }),
    );
  }

  async delete(key: string, options: BlobCallOptions = {}): Promise<void> {
    assertBlobKey(key);
    await this.#run({ operation: 'delete', key }, options, async (deadline) => {
      try {
        const [answer] = await within(deadline, this.#file(key).delete());
        // The store answers with nothing or with JSON. Any other text is a page, for example for signing in.
        if (typeof answer.body === 'string' && answer.body !== '') throw notAStore();
      } catch (error) {
        await this.#absentOrThrow(error, deadline);
      }
    });
  }

  async createBucket(options: BlobCallOptions = {}): Promise<'created' | 'existed'> {
    return this.#run({ operation: 'create-bucket' }, options, async (deadline) => {
      try {
        await within(deadline, this.#bucket.create());
        return 'created';
      } catch (error) {
        // The name is taken, perhaps by another account. Only an own bucket can be listed.
        if (gcsStatus(error) !== 409) throw error;
        await this.#assertBucket(deadline);
        return 'existed';
      }
    });
  }

  /** Known after the first `put`. */
  serverTime(): number | null {
    return this.#clock.now();
  }

  close(): Promise<void> {
    this.#runner.close();
    this.#cutAnswers.close();
    return Promise.resolve();
  }

  #run<T>(
    call: RequestCall,
    options: BlobCallOptions,
    action: (deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    return this.#runner.run(call, options, (deadline) => this.#cutAnswers.during(() => action(deadline)));
  }

  /** @param known the answer is `'unchanged'` when the object has this etag; null = read it in any case */
  async #get(key: string, known: string | null, options: BlobGetOptions): Promise<Blob | null | 'unchanged'> {
    assertBlobKey(key);
    if (options.range !== undefined) assertByteRange(options.range);
    return this.#run({ operation: 'get', key }, options, async (deadline) => {
      for (let attempt = 1; attempt <= readAttempts; attempt++) {
        const info = await this.#head(key, deadline);
        if (info === null) return null;
        if (known !== null && info.etag === known) return 'unchanged';
        try {
          return { ...info, bytes: await this.#read(info, { ...options, deadline }) };
        } catch (error) {
          if (gcsStatus(error) !== 404) throw error;
        }
      }
      throw this.#replacedTooOften(key);
    });
  }

  #file(key: string, generation?: string | null): File {
    return this.#bucket.file(this.#prefix + key, generation == null ? {} : { generation });
  }

  async #head(key: string, deadline: Deadline): Promise<BlobInfo | null> {
    try {
      const [metadata] = await within(deadline, this.#file(key).getMetadata());
      if (metadata.generation === undefined) throw notAStore();
      return infoFrom(key, metadata);
    } catch (error) {
      return this.#absentOrThrow(error, deadline);
    }
  }

  /** Reads exactly the generation that `info` describes. Fails with 404 when the object was replaced meanwhile. */
  async #read(
    info: BlobInfo,
    request: BlobGetOptions & { readonly deadline: Deadline },
  ): Promise<Uint8Array> {
    const { deadline, range, maxBytes = defaultMaxBytes } = request;
    const { start, end } = clampRange(range, info.size);
    assertNotTooLarge(end - start, maxBytes, { location: this.location, key: info.key });
    if (end === start) return new Uint8Array(0);
    const part = range === undefined ? {} : { start, end: end - 1 };
    const body = this.#file(info.key, info.etag).createReadStream({ ...part, decompress: false });
    const stop = () => body.destroy(new Error('aborted'));
    deadline.signal.addEventListener('abort', stop, { once: true });
    try {
      deadline.expect(end - start);
      return await collectBody(body, {
        maxBytes,
        expected: end - start,
        onProgress: () => {
          deadline.progress();
        },
      });
    } finally {
      deadline.signal.removeEventListener('abort', stop);
      body.destroy();
    }
  }

  #replacedTooOften(key: string): BlobStoreError {
    return new BlobStoreError('conflict', {
      operation: 'get',
      location: this.location,
      key,
      problem: `the object was replaced ${readAttempts} times while it was read`,
      retryable: true,
    });
  }

  /** Returns null when the error says that the object does not exist. Throws any other error, also for a missing bucket. */
  async #absentOrThrow(error: unknown, deadline: Deadline): Promise<null> {
    if (gcsStatus(error) !== 404) throw error;
    await this.#assertBucket(deadline);
    return null;
  }

  async #assertBucket(deadline: Deadline): Promise<void> {
    await within(deadline, this.#bucket.getFiles({ autoPaginate: false, maxResults: 1 }));
  }

  /** Empty for objects whose name is not a valid key. */
  #infoOf({ name, metadata }: File): BlobInfo[] {
    const key = name.slice(this.#prefix.length);
    return isBlobKey(key) ? [infoFrom(key, metadata)] : [];
  }
}

const REQUEST_STARTED = 'http.client.request.start';

/**
 * Notices connections that end in the middle of an answer. The library waits for the rest in silence, and does not
 * let its caller see the connection.
 */
class CutAnswers {
  readonly #calls = new AsyncLocalStorage<(error: Error) => void>();
  readonly #watch = (message: unknown): void => {
    const fail = this.#calls.getStore();
    if (fail === undefined) return;
    const { request } = message as { readonly request: ClientRequest };
    request.once('response', (answer) => {
      answer.once('close', () => {
        if (answer.complete) return;
        fail(
          Object.assign(new Error('the connection ended in the middle of the answer'), {
            code: 'ECONNRESET',
          }),
        );
      });
    });
  };

  constructor() {
    subscribe(REQUEST_STARTED, this.#watch);
  }

  /** Rejects when an answer to a request of the action is cut off. */
  during<T>(action: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      void this.#calls.run(reject, () => action().then(resolve, reject));
    });
  }

  close(): void {
    unsubscribe(REQUEST_STARTED, this.#watch);
  }
}

function infoFrom(key: string, metadata: FileMetadata): BlobInfo {
  return {
    key,
    size: Number(metadata.size ?? 0),
    lastModified: Date.parse(metadata.updated ?? '') || 0,
    etag: etagOf(metadata),
  };
}

function etagOf({ generation }: FileMetadata): string | null {
  return generation === undefined ? null : String(generation);
}

/** The error for a successful answer that does not come from an object store, such as a sign-in page. */
function notAStore(): Error {
  return new Error('the answer does not come from an object store');
}

/** Rejects when the time is up or the caller aborts. */
function within<T>({ signal }: Deadline, action: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      reject(new Error('aborted'));
    };
    signal.addEventListener('abort', stop, { once: true });
    void action.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', stop);
    });
  });
}

/** The library would take a file that it cannot use for a fault of the network. Its content is never quoted. */
async function checkKeyFile(path: string): Promise<void> {
  const problem = await readFile(path, 'utf8').then(keyFileProblem, () => 'cannot be read');
  if (problem === undefined) return;
  throw misconfigured(
    `the key file ${path} ${problem}`,
    'Name the JSON file that Google gave for the service account.',
  );
}

function keyFileProblem(content: string): string | undefined {
  try {
    const key: unknown = JSON.parse(content);
    if (typeof key === 'object' && key !== null && 'type' in key && KEY_TYPES.includes(key.type))
      return undefined;
    return 'holds no credentials of Google';
  } catch {
    return 'is no JSON';
  }
}

const KEY_TYPES: readonly unknown[] = [
  'service_account',
  'authorized_user',
  'external_account',
  'external_account_authorized_user',
  'impersonated_service_account',
];

function misconfigured(problem: string, fix: string): BlobStoreError {
  return new BlobStoreError('misconfigured', {
    operation: 'open',
    location: 'Google Cloud Storage',
    problem,
    fix,
  });
}

/** Creates a client for the bucket. @throws BlobStoreError `misconfigured` or `missing-package` */
async function openGcsBucket(settings: GcsBlobSettings): Promise<Bucket> {
  const name = unlessBlank(settings.bucket);
  if (name === undefined) throw misconfigured('no bucket is set', 'Set the bucket.');
  const { Storage } = await loadOptionalPackage({
    name: '@google-cloud/storage',
    major: 7,
    load: () => import('@google-cloud/storage'),
    toError: (missing) => missingPackageError(`gs://${name}`, missing),
  });
  const endpoint = unlessBlank(settings.endpoint);
  const keyFilename = unlessBlank(settings.keyFile);
  if (keyFilename !== undefined) await checkKeyFile(keyFilename);
  const emulator = endpoint?.startsWith('http:') === true;
  // An emulator has no projects. Without a project id, the library would contact Google's metadata server.
  const projectId = unlessBlank(settings.projectId) ?? (emulator ? 'emulator' : undefined);
  const storage = new Storage({
    ...(projectId === undefined ? {} : { projectId }),
    ...(keyFilename === undefined ? {} : { keyFilename }),
    ...(endpoint === undefined ? {} : { apiEndpoint: endpoint, useAuthWithCustomEndpoint: !emulator }),
    // `retryingBlobStore` repeats requests for all stores alike.
    retryOptions: { autoRetry: false, maxRetries: 0 },
    timeout: settings.timeoutMs ?? 30_000,
  });
  return storage.bucket(name);
}
