import type { S3Client } from '@aws-sdk/client-s3';
import { BlobStoreError, type BlobOperation } from '../errors/remote-errors.ts';
import type { BlobCallOptions } from './blob-store.ts';
import type { Deadline } from './deadline.ts';
import { fixes } from './failure.ts';
import { RequestRunner, type RequestCall } from './request-runner.ts';
import { openS3Client, type S3Connection, type S3Sdk } from './s3-client.ts';
import { s3Code, s3Error, s3Status } from './s3-errors.ts';
import { ServerClock } from './server-clock.ts';

/** Servers allow 15 minutes; the client corrects itself from 4 on. */
const toleratedSkewMs = 4 * 60_000;

/** One S3 client, the server's clock as its answers tell it, and what a 404 means. */
export class S3Session {
  readonly connection: S3Connection;
  readonly sdk: S3Sdk;
  readonly client: S3Client;
  readonly clock = new ServerClock();
  readonly #runner: RequestRunner;
  #bucketSeen = false;

  private constructor(connection: S3Connection, sdk: S3Sdk, client: S3Client) {
    const { location, timeoutMs, credentials } = connection;
    const secrets = [credentials?.secretAccessKey, credentials?.sessionToken, credentials?.accessKeyId];
    this.connection = connection;
    this.sdk = sdk;
    this.client = client;
    this.#runner = new RequestRunner({ location, timeoutMs, secrets, toError: s3Error });
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

  /** See `RequestRunner.run`. */
  async call<T>(
    call: RequestCall,
    options: BlobCallOptions,
    action: (deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    const knewTime = this.clock.now() !== null;
    try {
      const result = await this.#runner.run(call, options, action);
      this.#bucketSeen = true;
      return result;
    } catch (error) {
      if (!knewTime && this.#looksSkewed(error)) throw asClockSkew(error);
      throw error;
    }
  }

  /** An answer to HEAD has no body to say so: was it refused for the time it was signed with? */
  #looksSkewed(error: unknown): error is BlobStoreError {
    if (!(error instanceof BlobStoreError) || error.operation !== 'head' || error.status !== 403)
      return false;
    return Math.abs((this.clock.now() ?? Date.now()) - Date.now()) > toleratedSkewMs;
  }

  /**
   * Null when the error says that the object is not there; any other error is thrown again. An answer to HEAD has
   * no body, so it looks the same when the bucket is missing: that is found out once.
   */
  async absentOrThrow(error: unknown, operation: BlobOperation, deadline: Deadline): Promise<null> {
    const code = s3Code(error);
    // An answer with a body says what is missing: it may be the bucket, the user, or the object store as such.
    const isAboutObject = operation === 'head' || code === 'NoSuchKey';
    if (s3Status(error) !== 404 || !isAboutObject) throw error;
    if (!this.#bucketSeen) {
      const { bucket: Bucket, prefix: Prefix } = this.connection;
      const command = new this.sdk.ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 1 });
      await this.client.send(command, { abortSignal: deadline.signal });
    }
    return null;
  }

  close(): void {
    this.#runner.close();
    this.client.destroy();
  }
}

function asClockSkew(error: BlobStoreError): BlobStoreError {
  return new BlobStoreError('clock-skew', {
    operation: error.operation,
    location: error.location,
    key: error.key,
    problem: "the request was refused, and this computer's clock differs from the store's",
    fix: fixes.clock,
    retryable: true,
    status: error.status,
    providerCode: error.providerCode,
  });
}

function dateOf(response: unknown): string | undefined {
  const { headers } = response as { readonly headers?: Readonly<Record<string, string>> };
  return headers?.['date'];
}
