import type { Readable } from 'node:stream';
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { type BlobOperation, BlobStoreError } from '../../errors/remote-errors.ts';
import { findProxy, type Proxy, proxyHeaders } from '../../util/proxy.ts';
import { TunnelAgent } from '../../util/proxy-requests.ts';
import { collectBody } from '../answers.ts';
import { normalizePrefix, unlessBlank } from '../arguments.ts';
import type { S3BlobSettings } from '../blob-settings.ts';
import type { BlobCallOptions } from '../blob-store.ts';
import { fixes } from '../failure.ts';
import { type Deadline, type RequestCall, RequestRunner, ServerClock } from '../request-runner.ts';
import { resolvePreset } from './provider-presets.ts';
import { s3Code, s3Error, s3Status } from './s3-errors.ts';

/** A page of 1,000 keys is below 1 MiB. A much larger answer is not a list. */
const maxAnswerBytes = 16 * 1024 * 1024;
const silent = () => undefined;

/** S3 settings with presets and defaults filled in. Contains secrets. */
interface S3Connection {
  readonly bucket: string;
  /** Empty, or ending in one slash. */
  readonly prefix: string;
  readonly region: string | undefined;
  /** Undefined for Amazon. */
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  /** Undefined to use the AWS chain. */
  readonly credentials:
    | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
    | undefined;
  /** The checksum of an upload: MD5 with an endpoint, because every server knows it, else SHA-256. */
  readonly uploadChecksum: 'md5' | 'sha256';
  readonly timeoutMs: number | undefined;
  /** Address for messages, without secrets. */
  readonly location: string;
}

/** Fills in presets and defaults. @throws BlobStoreError (`misconfigured`) that names the setting to change */
export function resolveS3(settings: S3BlobSettings): S3Connection {
  const bucket = unlessBlank(settings.bucket);
  if (bucket === undefined) throw misconfigured('S3', 'no bucket is set', 'Set the bucket.');
  const given = { endpoint: unlessBlank(settings.endpoint), region: unlessBlank(settings.region) };
  const { endpoint, region, pathStyle } = resolvePreset({
    preset: settings.preset ?? (given.endpoint === undefined ? 'aws' : 'other'),
    accountId: unlessBlank(settings.accountId),
    pathStyle: settings.pathStyle,
    ...given,
  });
  const url = endpoint === undefined ? undefined : parseEndpoint(endpoint);
  const host = url === undefined ? 'Amazon S3' : url.host;
  const prefix = normalizePrefix(settings.prefix, `s3://${bucket}`);
  return {
    bucket,
    prefix,
    region,
    endpoint: url?.href,
    pathStyle,
    credentials: credentialsOf(settings, `s3://${bucket}`),
    uploadChecksum: url === undefined ? 'sha256' : 'md5',
    timeoutMs: settings.timeoutMs,
    location: `s3://${bucket}/${prefix} at ${host}`,
  };
}

function parseEndpoint(endpoint: string): URL {
  const text = endpoint.includes('://') ? endpoint : `https://${endpoint}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.search === '')
    return url;
  throw misconfigured('S3', 'the endpoint is not usable', 'Give it as https://host or http://host:port.');
}

function credentialsOf(settings: S3BlobSettings, location: string): S3Connection['credentials'] {
  const accessKeyId = unlessBlank(settings.accessKey);
  const secretAccessKey = unlessBlank(settings.secretKey);
  const sessionToken = unlessBlank(settings.sessionToken);
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const absent = accessKeyId === undefined ? 'access' : 'secret';
    throw misconfigured(
      location,
      `only one of the two keys is set; the ${absent} key is missing`,
      `Set the ${absent} key too, or set neither to use the keys of the AWS tools.`,
    );
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function misconfigured(location: string, problem: string, fix: string = fixes.endpoint): BlobStoreError {
  return new BlobStoreError('misconfigured', { operation: 'open', location, problem, fix });
}

/** Loads the SDK, which takes 0.2 s, and creates a client. */
async function openS3Client(connection: S3Connection) {
  const sdk = await import('@aws-sdk/client-s3');
  const proxy = findProxy(addressOfS3(connection));
  const client = new sdk.S3Client(clientConfig(connection, proxy)) satisfies S3Client;
  if (proxy !== undefined) {
    client.middlewareStack.add(
      (next) => (call) => {
        // This step runs after the request was signed for the server.
        forwardPlainHttp(call.request as SdkRequest, proxy);
        return next(call);
      },
      { step: 'finalizeRequest', priority: 'low', name: 'forwardPlainHttp' },
    );
  }
  return { sdk, client };
}

/** The SDK's module. */
type S3Sdk = Awaited<ReturnType<typeof openS3Client>>['sdk'];

/** The address that decides about the proxy. */
export function addressOfS3({ endpoint, region }: S3Connection): string {
  return endpoint ?? `https://s3.${region ?? 'us-east-1'}.amazonaws.com`;
}

/** The members of the SDK's request that are changed here. */
interface SdkRequest {
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  headers: Record<string, string>;
}

/** Sends a request without TLS to the proxy, with the full address as its path. */
function forwardPlainHttp(request: SdkRequest, proxy: Proxy): void {
  if (request.protocol !== 'http:') return;
  const { protocol, hostname, port } = proxy.url;
  const origin = request.port === undefined ? request.hostname : `${request.hostname}:${request.port}`;
  request.path = `http://${origin}${request.path}`;
  request.protocol = protocol;
  request.hostname = hostname;
  request.port = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
  Object.assign(request.headers, proxyHeaders(proxy));
}

function clientConfig(connection: S3Connection, proxy: Proxy | undefined): S3ClientConfig {
  const { endpoint, region, credentials, timeoutMs = 30_000 } = connection;
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(region === undefined && endpoint === undefined ? {} : { region: region ?? 'us-east-1' }),
    forcePathStyle: connection.pathStyle,
    // `retryingBlobStore` repeats requests for all stores alike.
    maxAttempts: 1,
    // Some servers reject or ignore the checksum headers that the SDK adds by default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: endpoint === undefined ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
    // A server that does not support `Expect` costs six seconds a request.
    expectContinueHeader: false,
    streamCollector: (stream: Readable) => collectBody(stream, { maxBytes: maxAnswerBytes }),
    requestHandler: {
      ...(proxy === undefined || connection.endpoint?.startsWith('http:') === true
        ? {}
        : { httpsAgent: new TunnelAgent(proxy) }),
      connectionTimeout: Math.min(timeoutMs, 10_000),
      socketTimeout: timeoutMs,
      logger: { trace: silent, debug: silent, info: silent, warn: silent, error: silent },
    },
    logger: { trace: silent, debug: silent, info: silent, warn: silent, error: silent },
  };
}

/** Servers tolerate 15 minutes. The SDK corrects its clock from 4 minutes on. */
const toleratedSkewMs = 4 * 60_000;

/** One S3 client with the server's clock. Decides whether a 404 is about the object or the bucket. */
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

  /** Like `RequestRunner.run`. Also recognises requests that were refused because of the local clock. */
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

  /** True when a HEAD request was probably refused because of the local clock. Its answer has no body that says so. */
  #looksSkewed(error: unknown): error is BlobStoreError {
    if (!(error instanceof BlobStoreError) || error.operation !== 'head' || error.status !== 403)
      return false;
    return Math.abs((this.clock.now() ?? Date.now()) - Date.now()) > toleratedSkewMs;
  }

  /**
   * Returns null when the error says that the object does not exist. Throws any other error again. An answer to HEAD
   * has no body, so a missing bucket looks the same; one list request decides, once.
   */
  async absentOrThrow(error: unknown, operation: BlobOperation, deadline: Deadline): Promise<null> {
    const code = s3Code(error);
    // An answer with a body names the missing thing, which may also be the bucket or the user.
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
