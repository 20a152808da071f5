import type {
  GetObjectCommandInput,
  GetObjectCommandOutput,
  PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { BlobStoreError } from '../../errors/remote-errors.ts';
import { assertBlobKey, assertBlobPrefix, assertByteRange, defaultMaxBytes } from '../arguments.ts';
import type { S3BlobSettings } from '../blob-settings.ts';
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
import type { Deadline } from '../request-runner.ts';
import { fixes } from '../failure.ts';
import { resolveS3, S3Session } from './s3-session.ts';
import { s3Code, s3Status } from './s3-errors.ts';
import { hashName, listObjects, type ListObjectsOptions, objectInfo, readObject } from './s3-objects.ts';

/**
 * Amazon S3 and compatible stores. Objects are deleted one by one: batch deletion reports failures inside a success,
 * needs headers that differ by server, and is not reliable on all servers.
 */
export class S3BlobStore implements CreatableBlobStore {
  readonly location: string;
  readonly #session: S3Session;

  private constructor(session: S3Session) {
    this.#session = session;
    this.location = session.connection.location;
  }

  /** Loads the SDK without connecting. @throws BlobStoreError (`misconfigured`) */
  static async open(settings: S3BlobSettings): Promise<S3BlobStore> {
    return new S3BlobStore(await S3Session.open(resolveS3(settings)));
  }

  async put(key: string, bytes: Uint8Array, options: BlobPutOptions = {}): Promise<BlobReceipt> {
    assertBlobKey(key);
    const { sdk, client } = this.#session;
    return this.#session.call({ operation: 'put', key, bytes: bytes.length }, options, async (deadline) => {
      const command = new sdk.PutObjectCommand(this.#putInput(key, bytes, options));
      const output = await client
        .send(command, { abortSignal: deadline.signal })
        .catch((error: unknown) => this.#refineCondition(error, key, options));
      if (output.ETag === undefined) throw this.#notAStore('put', key);
      return { etag: output.ETag };
    });
  }

  async get(key: string, options: BlobGetOptions = {}): Promise<Blob | null> {
    assertBlobKey(key);
    const { range, maxBytes = defaultMaxBytes } = options;
    if (range !== undefined) assertByteRange(range);
    const input = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` };
    return this.#session.call({ operation: 'get', key }, options, async (deadline) => {
      try {
        const output = await this.#getObject(key, input, deadline);
        return await readObject(output, { key, location: this.location, range, maxBytes, deadline });
      } catch (error) {
        if (s3Status(error) === 416) return await this.#emptyRange(key, deadline);
        return await this.#session.absentOrThrow(error, 'get', deadline);
      }
    });
  }

  async getIfChanged(
    key: string,
    etag: string,
    options: UnrangedGetOptions = {},
  ): Promise<Blob | null | 'unchanged'> {
    assertBlobKey(key);
    const { maxBytes = defaultMaxBytes } = options;
    return this.#session.call({ operation: 'get', key }, options, async (deadline) => {
      try {
        const output = await this.#getObject(key, { IfNoneMatch: etag }, deadline);
        const request = { key, location: this.location, range: undefined, maxBytes, deadline };
        const blob = await readObject(output, request);
        return blob.etag === etag ? 'unchanged' : blob;
      } catch (error) {
        if (s3Status(error) === 304) return 'unchanged';
        return await this.#session.absentOrThrow(error, 'get', deadline);
      }
    });
  }

  async head(key: string, options: BlobCallOptions = {}): Promise<BlobInfo | null> {
    assertBlobKey(key);
    return this.#session.call({ operation: 'head', key }, options, async (deadline) => {
      try {
        return await this.#headObject(key, deadline);
      } catch (error) {
        return await this.#session.absentOrThrow(error, 'head', deadline);
      }
    });
  }

  async list(prefix: string, options: ListObjectsOptions = {}): Promise<readonly BlobInfo[]> {
    assertBlobPrefix(prefix);
    return listObjects(this.#session, prefix, options);
  }

  async delete(key: string, options: BlobCallOptions = {}): Promise<void> {
    assertBlobKey(key);
    const { sdk, client } = this.#session;
    await this.#session.call({ operation: 'delete', key }, options, async (deadline) => {
      try {
        const command = new sdk.DeleteObjectCommand(this.#target(key));
        const { $metadata } = await client.send(command, { abortSignal: deadline.signal });
        const isAnswer = $metadata.httpStatusCode === 204 || $metadata.requestId !== undefined;
        if (!isAnswer) throw this.#notAStore('delete', key);
      } catch (error) {
        await this.#session.absentOrThrow(error, 'delete', deadline);
      }
    });
  }

  async createBucket(options: BlobCallOptions = {}): Promise<'created' | 'existed'> {
    const { sdk, client, connection } = this.#session;
    const { bucket: Bucket, region, endpoint } = connection;
    return this.#session.call({ operation: 'create-bucket' }, options, async (deadline) => {
      const abroad = endpoint === undefined && region !== undefined && region !== 'us-east-1';
      const constraint = sdk.BucketLocationConstraint[region as keyof typeof sdk.BucketLocationConstraint];
      const where = abroad ? { CreateBucketConfiguration: { LocationConstraint: constraint } } : {};
      try {
        await client.send(new sdk.CreateBucketCommand({ Bucket, ...where }), {
          abortSignal: deadline.signal,
        });
        return 'created';
      } catch (error) {
        if (s3Code(error) === 'BucketAlreadyOwnedByYou') return 'existed';
        throw error;
      }
    });
  }

  serverTime(): number | null {
    return this.#session.clock.now();
  }

  close(): Promise<void> {
    this.#session.close();
    return Promise.resolve();
  }

  #getObject(
    key: string,
    input: Pick<GetObjectCommandInput, 'Range' | 'IfNoneMatch'>,
    { signal }: Deadline,
  ): Promise<GetObjectCommandOutput> {
    const { sdk, client } = this.#session;
    const command = new sdk.GetObjectCommand({ ...this.#target(key), ...input });
    return client.send(command, { abortSignal: signal });
  }

  #target(key: string): { Bucket: string; Key: string } {
    const { bucket, prefix } = this.#session.connection;
    return { Bucket: bucket, Key: prefix + key };
  }

  #putInput(key: string, bytes: Uint8Array, { onlyIf }: BlobPutOptions): PutObjectCommandInput {
    const { uploadChecksum } = this.#session.connection;
    const sha256 = createHash('sha256').update(bytes).digest();
    return {
      ...this.#target(key),
      // The SDK sends a Buffer with its length. It would send a stream in chunks, which several servers refuse.
      Body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      ContentType: 'application/octet-stream',
      Metadata: { [hashName]: sha256.toString('hex') },
      ...(uploadChecksum === 'md5'
        ? { ContentMD5: createHash('md5').update(bytes).digest('base64') }
        : { ChecksumSHA256: sha256.toString('base64') }),
      ...(onlyIf === 'absent' ? { IfNoneMatch: '*' } : {}),
      ...(typeof onlyIf === 'object' ? { IfMatch: onlyIf.etag } : {}),
    };
  }

  /** Several servers answer 404 to an `If-Match` for a missing object. That is a condition that was not met. */
  #refineCondition(error: unknown, key: string, { onlyIf }: BlobPutOptions): never {
    if (onlyIf === undefined || s3Status(error) !== 404 || s3Code(error) === 'NoSuchBucket') throw error;
    throw new BlobStoreError('precondition', {
      operation: 'put',
      location: this.location,
      key,
      problem: 'there is no such object',
      status: 404,
    });
  }

  async #headObject(key: string, deadline: Deadline): Promise<BlobInfo> {
    const { sdk, client } = this.#session;
    const command = new sdk.HeadObjectCommand(this.#target(key));
    const output = await client.send(command, { abortSignal: deadline.signal });
    return objectInfo({ key, location: this.location }, output);
  }

  /** The result for a range that starts behind the end of the object. */
  async #emptyRange(key: string, deadline: Deadline): Promise<Blob> {
    return { ...(await this.#headObject(key, deadline)), bytes: new Uint8Array(0) };
  }

  /** The error for a successful answer that does not come from an object store, such as a sign-in page. */
  #notAStore(operation: 'put' | 'delete', key: string): BlobStoreError {
    return new BlobStoreError('protocol', {
      operation,
      location: this.location,
      key,
      problem: 'the answer lacks the headers of an object store',
      retryable: true,
      maybeApplied: true,
      fix: fixes.endpoint,
    });
  }
}
