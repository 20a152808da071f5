import { Readable } from 'node:stream';
import type { _Object as S3Object, GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { BlobStoreError } from '../../errors/remote-errors.ts';
import { assertHash, collectBody, collectPages } from '../answers.ts';
import { assertNotTooLarge, clampRange, isBlobKey } from '../arguments.ts';
import type { Blob, BlobCallOptions, BlobInfo, ByteRange } from '../blob-store.ts';
import { fixes } from '../failure.ts';
import type { Deadline } from '../request-runner.ts';
import type { S3Session } from './s3-session.ts';

export interface ReadRequest {
  readonly key: string;
  readonly location: string;
  readonly range: ByteRange | undefined;
  readonly maxBytes: number;
  readonly deadline: Deadline;
}

/**
 * Name of the user metadata in which `put` stores the SHA-256 of the content. `get` checks it to detect damage. Etags
 * cannot serve for this, because they are not hashes on all servers.
 */
export const hashName = 'sha256';

/** The headers that answers to GET and HEAD share. */
interface ObjectHeaders {
  readonly ETag?: string | undefined;
  readonly LastModified?: Date | undefined;
  readonly ContentLength?: number | undefined;
}

/** Reads the body of an answer to GET completely, or destroys it. */
export async function readObject(output: GetObjectCommandOutput, request: ReadRequest): Promise<Blob> {
  const body = output.Body;
  if (!(body instanceof Readable)) throw readError(request, 'the answer has no body');
  try {
    const sent = sentRange(output, request);
    const info = objectInfo(request, output, sent.size);
    const wanted = clampRange(request.range, sent.size ?? Infinity);
    const take = wanted.end - wanted.start;
    if (take !== Infinity) assertNotTooLarge(take, request.maxBytes, request);
    request.deadline.expect(output.ContentLength ?? request.maxBytes);
    const bytes = await collectBody(body, {
      skip: wanted.start - sent.start,
      take: request.range === undefined ? Infinity : take,
      maxBytes: request.maxBytes,
      expected: output.ContentLength,
      onProgress: () => {
        request.deadline.progress();
      },
    });
    if (take !== Infinity && bytes.length !== take) {
      throw readError(request, `${bytes.length} bytes were received, but ${take} were requested`);
    }
    if (request.range === undefined) assertHash(bytes, 'sha256', output.Metadata?.[hashName]);
    return { ...info, size: sent.size ?? bytes.length, bytes };
  } finally {
    body.destroy();
  }
}

/** The part of the object that the body contains. Some servers answer a range request with the whole object. */
function sentRange(output: GetObjectCommandOutput, request: ReadRequest) {
  if (request.range === undefined || output.ContentRange === undefined) {
    return { start: 0, size: output.ContentLength };
  }
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(output.ContentRange);
  const [start, end, size] = (match ?? []).slice(1).map(Number);
  if (start !== request.range.start || end === undefined || size === undefined) {
    throw readError(request, `the store sent the range ${output.ContentRange} instead of the requested one`);
  }
  return { start, size };
}

/** @throws BlobStoreError (`protocol`) when the answer does not come from a store but, for example, from a sign-in page */
export function objectInfo(
  request: Pick<ReadRequest, 'key' | 'location'>,
  headers: ObjectHeaders,
  size = headers.ContentLength,
): BlobInfo {
  const lastModified = headers.LastModified?.getTime() ?? NaN;
  if (Number.isNaN(lastModified) || headers.ETag === undefined) {
    throw readError(request, 'the answer lacks the headers of an object store');
  }
  return { key: request.key, size: size ?? 0, lastModified, etag: headers.ETag };
}

function readError(context: Pick<ReadRequest, 'key' | 'location'>, problem: string): BlobStoreError {
  return new BlobStoreError('protocol', {
    operation: 'get',
    location: context.location,
    key: context.key,
    problem,
    retryable: true,
    fix: fixes.endpoint,
  });
}

export interface ListObjectsOptions extends BlobCallOptions {
  /** Keys per page. Only the probe uses another number. @default 1000 */
  readonly pageSize?: number;
}

/** All objects below the store's prefix whose keys start with `prefix`. */
export function listObjects(
  session: S3Session,
  prefix: string,
  options: ListObjectsOptions,
): Promise<BlobInfo[]> {
  const { connection, sdk, client } = session;
  return collectPages({ location: connection.location, prefix }, (token) =>
    session.call({ operation: 'list', key: prefix }, options, async (deadline) => {
      const command = new sdk.ListObjectsV2Command({
        Bucket: connection.bucket,
        Prefix: connection.prefix + prefix,
        ContinuationToken: token,
        MaxKeys: options.pageSize ?? 1000,
      });
      const page = await client.send(command, { abortSignal: deadline.signal });
      // The SDK reads any other XML, such as a sign-in page, as an empty bucket.
      if (page.IsTruncated === undefined || page.Name === undefined) {
        throw listError(session, prefix, 'the answer is not a list of objects');
      }
      if (page.IsTruncated && page.NextContinuationToken === undefined) {
        throw listError(session, prefix, 'the list has more pages, but does not say where they begin');
      }
      return {
        items: (page.Contents ?? []).flatMap((object) => infoOf(connection.prefix, object)),
        next: page.IsTruncated ? page.NextContinuationToken : undefined,
      };
    }),
  );
}

/** Empty for objects whose name is not a valid key. */
function infoOf(storePrefix: string, object: S3Object): BlobInfo[] {
  if (object.Key?.startsWith(storePrefix) !== true) return [];
  const key = object.Key.slice(storePrefix.length);
  if (!isBlobKey(key)) return [];
  const { Size: size = 0, LastModified, ETag: etag = null } = object;
  return [{ key, size, lastModified: LastModified?.getTime() ?? 0, etag }];
}

function listError({ connection }: S3Session, prefix: string, problem: string): BlobStoreError {
  return new BlobStoreError('protocol', {
    operation: 'list',
    location: connection.location,
    key: prefix,
    problem,
    retryable: true,
    fix: fixes.endpoint,
  });
}
