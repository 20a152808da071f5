import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { BlobDownloadResponseParsed, BlobItem, ContainerClient } from '@azure/storage-blob';
import { BlobStoreError } from '../../errors/remote-errors.ts';
import { assertHash, collectBody, collectPages } from '../answers.ts';
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
import type { AzureBlobSettings } from '../blob-settings.ts';
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
import { type Deadline, RequestRunner, ServerClock } from '../request-runner.ts';
import { azureCode, azureError, azureStatus } from './azure-errors.ts';

/** Azure Blob Storage, through the optional package `@azure/storage-blob`. The bucket is a container. */
export class AzureBlobStore implements CreatableBlobStore {
  readonly location: string;
  readonly #container: ContainerClient;
  readonly #prefix: string;
  readonly #runner: RequestRunner;
  readonly #clock = new ServerClock();

  private constructor(container: ContainerClient, settings: AzureBlobSettings) {
    this.#container = container;
    this.#prefix = normalizePrefix(settings.prefix, `azure://${settings.bucket}`);
    this.location = `azure://${container.containerName}/${this.#prefix} at ${new URL(container.url).host}`;
    this.#runner = new RequestRunner({
      location: this.location,
      timeoutMs: settings.timeoutMs,
      secrets: secretsOf(settings),
      toError: azureError,
    });
  }

  /** Loads the package without connecting. @throws BlobStoreError `misconfigured` or `missing-package` */
  static async open(settings: AzureBlobSettings): Promise<AzureBlobStore> {
    return new AzureBlobStore(await openAzureContainer(settings), settings);
  }

  async put(key: string, bytes: Uint8Array, options: BlobPutOptions = {}): Promise<BlobReceipt> {
    assertBlobKey(key);
    const { onlyIf } = options;
    return this.#runner.run(
      { operation: 'put', key, bytes: bytes.length },
      options,
      async ({ signal: abortSignal }) => {
        const answer = await this.#blob(key).upload(bytes, bytes.length, {
          abortSignal,
          conditions: {
            ...(onlyIf === 'absent' ? { ifNoneMatch: '*' } : {}),
            ...(typeof onlyIf === 'object' ? { ifMatch: `"${onlyIf.etag}"` } : {}),
          },
          blobHTTPHeaders: {
            blobContentType: 'application/octet-stream',
            blobContentMD5: createHash('md5').update(bytes).digest(),
          },
        });
        this.#learn(answer.date);
        return { etag: answer.etag?.replaceAll('"', '') ?? null };
      },
    );
  }

  async get(key: string, options: BlobGetOptions = {}): Promise<Blob | null> {
    assertBlobKey(key);
    if (options.range !== undefined) assertByteRange(options.range);
    return this.#runner.run({ operation: 'get', key }, options, async (deadline) => {
      const { start, end } = options.range ?? { start: 0, end: undefined };
      try {
        const count = end === undefined ? undefined : end - start;
        const answer = await this.#blob(key).download(start, count, { abortSignal: deadline.signal });
        this.#learn(answer.date);
        return await this.#read(key, answer, { ...options, deadline });
      } catch (error) {
        if (azureStatus(error) !== 416) return absentOrThrow(error);
        return { ...(await this.#properties(key, deadline)), bytes: new Uint8Array(0) };
      }
    });
  }

  async getIfChanged(
    key: string,
    etag: string,
    options: UnrangedGetOptions = {},
  ): Promise<Blob | null | 'unchanged'> {
    assertBlobKey(key);
    return this.#runner.run({ operation: 'get', key }, options, async (deadline) => {
      try {
        const conditions = { ifNoneMatch: `"${etag}"` };
        const request = { abortSignal: deadline.signal, conditions };
        const answer = await this.#blob(key).download(0, undefined, request);
        this.#learn(answer.date);
        const blob = await this.#read(key, answer, { ...options, deadline });
        return blob.etag === etag ? 'unchanged' : blob;
      } catch (error) {
        return azureStatus(error) === 304 ? 'unchanged' : absentOrThrow(error);
      }
    });
  }

  async head(key: string, options: BlobCallOptions = {}): Promise<BlobInfo | null> {
    assertBlobKey(key);
    return this.#runner.run({ operation: 'head', key }, options, (deadline) =>
      this.#properties(key, deadline).catch(absentOrThrow),
    );
  }

  async list(prefix: string, options: BlobCallOptions = {}): Promise<readonly BlobInfo[]> {
    assertBlobPrefix(prefix);
    return collectPages({ location: this.location, prefix }, (token) =>
      this.#runner.run({ operation: 'list', key: prefix }, options, async ({ signal: abortSignal }) => {
        const pages = this.#container
          .listBlobsFlat({ prefix: this.#prefix + prefix, abortSignal })
          .byPage({ maxPageSize: 1000, ...(token === undefined ? {} : { continuationToken: token }) });
        for await (const page of pages) {
          this.#learn(page.date);
          const items = page.segment.blobItems.flatMap((item) => this.#infoOf(item));
          return { items, next: page.continuationToken === '' ? undefined : page.continuationToken };
        }
        return { items: [], next: undefined };
      }),
    );
  }

  async delete(key: string, options: BlobCallOptions = {}): Promise<void> {
    assertBlobKey(key);
    await this.#runner.run({ operation: 'delete', key }, options, async ({ signal: abortSignal }) => {
      await this.#blob(key).delete({ abortSignal }).catch(absentOrThrow);
    });
  }

  async createBucket(options: BlobCallOptions = {}): Promise<'created' | 'existed'> {
    return this.#runner.run({ operation: 'create-bucket' }, options, async ({ signal: abortSignal }) => {
      const { succeeded } = await this.#container.createIfNotExists({ abortSignal });
      return succeeded ? 'created' : 'existed';
    });
  }

  serverTime(): number | null {
    return this.#clock.now();
  }

  close(): Promise<void> {
    this.#runner.close();
    return Promise.resolve();
  }

  #blob(key: string) {
    return this.#container.getBlockBlobClient(this.#prefix + key);
  }

  #learn(date: Date | undefined): void {
    this.#clock.observe(date?.getTime() ?? NaN);
  }

  async #read(
    key: string,
    answer: BlobDownloadResponseParsed,
    request: BlobGetOptions & { readonly deadline: Deadline },
  ): Promise<Blob> {
    const body = answer.readableStreamBody;
    if (!(body instanceof Readable)) throw new Error('the answer has no body');
    try {
      const size = Number(/\/(\d+)$/.exec(answer.contentRange ?? '')?.[1] ?? answer.contentLength);
      const { start, end } = clampRange(request.range, size);
      const maxBytes = request.maxBytes ?? defaultMaxBytes;
      assertNotTooLarge(end - start, maxBytes, { location: this.location, key });
      request.deadline.expect(end - start);
      const bytes = await collectBody(body, {
        maxBytes,
        expected: end - start,
        onProgress: () => {
          request.deadline.progress();
        },
      });
      // These are getters of the SDK's class, which an object spread would drop.
      const { etag, lastModified, contentMD5 } = answer;
      const hash = contentMD5 === undefined ? undefined : Buffer.from(contentMD5).toString('hex');
      if (request.range === undefined) assertHash(bytes, 'md5', hash);
      return { ...infoFrom(key, { etag, lastModified, contentLength: size }), bytes };
    } finally {
      body.destroy();
    }
  }

  async #properties(key: string, { signal: abortSignal }: Deadline): Promise<BlobInfo> {
    const answer = await this.#blob(key).getProperties({ abortSignal });
    this.#learn(answer.date);
    if (answer.lastModified === undefined) throw new Error('the answer lacks the headers of an object store');
    return infoFrom(key, answer);
  }

  /** Empty for blobs whose name is not a valid key. */
  #infoOf({ name, properties }: BlobItem): BlobInfo[] {
    const key = name.slice(this.#prefix.length);
    return isBlobKey(key) ? [infoFrom(key, properties)] : [];
  }
}

/** The fields that listings, properties and downloads share. */
interface AzureProperties {
  readonly contentLength?: number | undefined;
  readonly lastModified?: Date | undefined;
  readonly etag?: string | undefined;
}

function infoFrom(key: string, properties: AzureProperties): BlobInfo {
  return {
    key,
    size: properties.contentLength ?? 0,
    lastModified: properties.lastModified?.getTime() ?? 0,
    // The etag is quoted in headers and unquoted in lists.
    etag: properties.etag?.replaceAll('"', '') ?? null,
  };
}

/** Returns null when the error says that the blob does not exist. Throws any other error again. */
function absentOrThrow(error: unknown): null {
  if (azureStatus(error) === 404 && azureCode(error) === 'BlobNotFound') return null;
  throw error;
}

/** Creates a client for the container. @throws BlobStoreError `misconfigured` or `missing-package` */
async function openAzureContainer(settings: AzureBlobSettings): Promise<ContainerClient> {
  const container = unlessBlank(settings.bucket);
  if (container === undefined) throw misconfigured('no container is set', 'Set the container as the bucket.');
  const sdk = await loadOptionalPackage({
    name: '@azure/storage-blob',
    major: 12,
    load: () => import('@azure/storage-blob'),
    toError: (missing) => missingPackageError(`azure://${container}`, missing),
  });
  // `retryingBlobStore` repeats requests for all stores alike.
  const options = { retryOptions: { maxTries: 1 } };
  const connectionString = unlessBlank(settings.connectionString);
  if (connectionString !== undefined) {
    try {
      return new sdk.ContainerClient(connectionString, container, options);
    } catch {
      // Without the cause, which may quote it.
      throw misconfigured(
        'the connection string cannot be read',
        'Copy it again from "Access keys" or "Shared access signature" of the storage account.',
      );
    }
  }
  const account = unlessBlank(settings.accountName);
  const key = unlessBlank(settings.accountKey);
  const sas = unlessBlank(settings.sasToken)?.replace(/^\?/, '');
  const base = unlessBlank(settings.endpoint) ?? defaultEndpoint(account);
  const url = `${base.replace(/\/+$/, '')}/${container}`;
  if (sas !== undefined) return new sdk.ContainerClient(`${url}?${sas}`, undefined, options);
  if (account === undefined || key === undefined) {
    const absent = account === undefined ? 'name' : 'key';
    throw misconfigured(
      `the account ${absent} is missing`,
      `Set the account ${absent}, a shared access signature, or a connection string.`,
    );
  }
  return new sdk.ContainerClient(url, new sdk.StorageSharedKeyCredential(account, key), options);
}

/** Also the parts of a connection string and of a signature that errors may quote alone. */
function secretsOf({ accountKey, sasToken, connectionString }: AzureBlobSettings): (string | undefined)[] {
  const parts = [...(connectionString ?? '').matchAll(/(?:AccountKey|SharedAccessSignature)=([^;]+)/gi)];
  const signatures = [...`${sasToken ?? ''}&${connectionString ?? ''}`.matchAll(/\bsig=([^&;]+)/gi)];
  const encoded = signatures.map(([, signature = '']) => signature);
  const plain = encoded.map((signature) => decodeOrSame(signature));
  return [connectionString, sasToken, accountKey, ...parts.map(([, part]) => part), ...encoded, ...plain];
}

function decodeOrSame(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function defaultEndpoint(account: string | undefined): string {
  if (account !== undefined) return `https://${account}.blob.core.windows.net`;
  throw misconfigured('neither an account name nor an endpoint is set', 'Set the account name.');
}

function misconfigured(problem: string, fix: string): BlobStoreError {
  return new BlobStoreError('misconfigured', { operation: 'open', location: 'Azure Blob', problem, fix });
}
