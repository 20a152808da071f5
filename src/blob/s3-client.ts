import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import { BlobStoreError } from '../errors/remote-errors.ts';
import type { S3BlobSettings } from './blob-settings.ts';
import { collectBody } from './collect-body.ts';
import { fixes } from './failure.ts';
import { normalizePrefix, unlessBlank } from './normalize-prefix.ts';
import { findProxy, proxyHeaders, TunnelAgent, type Proxy } from '../util/proxy.ts';
import { resolvePreset } from './provider-presets.ts';

/** A page of 1,000 keys is below 1 MiB; more is not a listing. */
const maxAnswerBytes = 16 * 1024 * 1024;
const silent = () => undefined;

/** S3 settings with presets and defaults filled in. Contains secrets. */
export interface S3Connection {
  readonly bucket: string;
  /** Empty, or ending in one slash. */
  readonly prefix: string;
  readonly region: string | undefined;
  /** Undefined = Amazon. */
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  /** Undefined = the default chain. */
  readonly credentials:
    | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
    | undefined;
  readonly uploadChecksum: 'md5' | 'sha256' | 'none';
  readonly timeoutMs: number | undefined;
  /** For people; no secrets. */
  readonly location: string;
}

/** Fills in presets and defaults. @throws BlobStoreError (`misconfigured`) naming the setting to change */
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
    uploadChecksum: settings.uploadChecksum ?? (url === undefined ? 'sha256' : 'md5'),
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
      `one half of the key pair is set, but the ${absent} key is missing`,
      `Set the ${absent} key too, or neither, to use the keys of the AWS tools.`,
    );
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function misconfigured(location: string, problem: string, fix: string = fixes.endpoint): BlobStoreError {
  return new BlobStoreError('misconfigured', { operation: 'open', location, problem, fix });
}

/** The S3 client and the commands that are used, loaded on first need: it takes 0.2 s to import. */
export async function openS3Client(connection: S3Connection) {
  const sdk = await import('@aws-sdk/client-s3');
  const proxy = findProxy(addressOfS3(connection));
  const client = new sdk.S3Client(clientConfig(connection, proxy)) satisfies S3Client;
  if (proxy !== undefined) {
    client.middlewareStack.add(
      (next) => (call) => {
        // After it was signed for the server.
        forwardPlainHttp(call.request as SdkRequest, proxy);
        return next(call);
      },
      { step: 'finalizeRequest', priority: 'low', name: 'forwardPlainHttp' },
    );
  }
  return { sdk, client };
}

/** The SDK as loaded on use. */
export type S3Sdk = Awaited<ReturnType<typeof openS3Client>>['sdk'];

/** What a proxy is looked up for. */
export function addressOfS3({ endpoint, region }: S3Connection): string {
  return endpoint ?? `https://s3.${region ?? 'us-east-1'}.amazonaws.com`;
}

/** The parts of the SDK's request that are used. */
interface SdkRequest {
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  headers: Record<string, string>;
}

/** Requests without TLS go to the proxy itself, with their whole address. */
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
    // Repeating is the business of one decorator, the same for every store.
    maxAttempts: 1,
    // Other servers reject, or worse ignore, the checksum headers that the SDK adds by default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: endpoint === undefined ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
    // A server that does not know `Expect` costs six seconds a request.
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
