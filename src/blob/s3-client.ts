import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import { BlobStoreError } from '../errors/blob-store-error.ts';
import type { S3BlobSettings } from './blob-settings.ts';
import { collectBody } from './collect-body.ts';
import { fixes } from './failure.ts';
import { normalizePrefix, unlessBlank } from './normalize-prefix.ts';
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
  return { sdk, client: new sdk.S3Client(clientConfig(connection)) satisfies S3Client };
}

/** The SDK as loaded on use. */
export type S3Sdk = Awaited<ReturnType<typeof openS3Client>>['sdk'];

function clientConfig(connection: S3Connection): S3ClientConfig {
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
      connectionTimeout: Math.min(timeoutMs, 10_000),
      socketTimeout: timeoutMs,
      logger: { trace: silent, debug: silent, info: silent, warn: silent, error: silent },
    },
    logger: { trace: silent, debug: silent, info: silent, warn: silent, error: silent },
  };
}
