import type { S3Client } from '@aws-sdk/client-s3';
import { BlobStoreError } from '../errors/blob-store-error.ts';
import type { BlobCallOptions } from './blob-store.ts';
import { Deadline } from './deadline.ts';
import type { CallContext } from './failure.ts';
import { openS3Client, type S3Connection, type S3Sdk } from './s3-client.ts';
import { s3Code, s3Error, s3Status } from './s3-errors.ts';
import { ServerClock } from './server-clock.ts';

export type S3Call = Omit<CallContext, 'location'> & {
  /** How much is sent. */
  readonly bytes?: number;
};

/** One S3 client: bounds each call in time, learns the server's clock and turns every failure into a typed error. */
export class S3Session {
  readonly connection: S3Connection;
  readonly sdk: S3Sdk;
  readonly client: S3Client;
  readonly clock = new ServerClock();
  #bucketSeen = false;
  #closed = false;

  private constructor(connection: S3Connection, sdk: S3Sdk, client: S3Client) {
    this.connection = connection;
    this.sdk = sdk;
    this.client = client;
    client.middlewareStack.add(
      (next) => async (request) => {
        const result = await next(request);
        this.clock.observeHeader(dateOf(result.response));
        return result;
      },
      { step: 'deserialize', priority: 'low', name: 'learnServerTime' },
    );
  }

  static async open(connection: S3Connection): Promise<S3Session> {
    const { sdk, client } = await openS3Client(connection);
    return new S3Session(connection, sdk, client);
  }

  /** Runs one request. Rejects with a `BlobStoreError`, or with the reason of the caller's signal. */
  async call<T>(
    call: S3Call,
    options: BlobCallOptions,
    action: (deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    const { location, timeoutMs, credentials } = this.connection;
    options.signal?.throwIfAborted();
    const context = { operation: call.operation, key: call.key, location };
    if (this.#closed) throw new BlobStoreError('closed', { ...context, problem: 'the store is closed' });
    const deadline = new Deadline({ idleMs: timeoutMs, signal: options.signal, bytes: call.bytes });
    try {
      const result = await action(deadline);
      this.#bucketSeen = true;
      return result;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof BlobStoreError) throw error;
      const secrets = [credentials?.secretAccessKey, credentials?.sessionToken, credentials?.accessKeyId];
      throw s3Error(error, { ...context, secrets, timedOut: deadline.expired });
    } finally {
      deadline.dispose();
    }
  }

  /**
   * Null when the error says that the object is not there; any other error is thrown again. An answer to HEAD has
   * no body, so it looks the same when the bucket is missing: that is found out once.
   */
  async absentOrThrow(error: unknown, deadline: Deadline): Promise<null> {
    if (s3Status(error) !== 404 || s3Code(error) === 'NoSuchBucket') throw error;
    if (!this.#bucketSeen) {
      const { bucket: Bucket, prefix: Prefix } = this.connection;
      const command = new this.sdk.ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 1 });
      await this.client.send(command, { abortSignal: deadline.signal });
    }
    return null;
  }

  close(): void {
    this.#closed = true;
    this.client.destroy();
  }
}

function dateOf(response: unknown): string | undefined {
  const { headers } = response as { readonly headers?: Readonly<Record<string, string>> };
  return headers?.['date'];
}
