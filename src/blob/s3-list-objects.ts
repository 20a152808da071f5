import type { _Object as S3Object } from '@aws-sdk/client-s3';
import { BlobStoreError } from '../errors/remote-errors.ts';
import { isBlobKey } from './blob-key.ts';
import type { BlobCallOptions, BlobInfo } from './blob-store.ts';
import { collectPages } from './collect-pages.ts';
import { fixes } from './failure.ts';
import type { S3Session } from './s3-session.ts';

export interface ListObjectsOptions extends BlobCallOptions {
  /** Keys per page; only the probe asks for less than the usual 1,000. */
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
      // Any other XML, such as a sign-in page, would read as an empty bucket.
      if (page.IsTruncated === undefined || page.Name === undefined) {
        throw protocolError(session, prefix, 'the answer is not a list of objects');
      }
      if (page.IsTruncated && page.NextContinuationToken === undefined) {
        throw protocolError(session, prefix, 'the list has more pages, but does not say where they begin');
      }
      return {
        items: (page.Contents ?? []).flatMap((object) => infoOf(connection.prefix, object)),
        next: page.IsTruncated ? page.NextContinuationToken : undefined,
      };
    }),
  );
}

/** Nothing for objects that are not ours. */
function infoOf(storePrefix: string, object: S3Object): BlobInfo[] {
  if (object.Key?.startsWith(storePrefix) !== true) return [];
  const key = object.Key.slice(storePrefix.length);
  if (!isBlobKey(key)) return [];
  const { Size: size = 0, LastModified, ETag: etag = null } = object;
  return [{ key, size, lastModified: LastModified?.getTime() ?? 0, etag }];
}

function protocolError({ connection }: S3Session, prefix: string, problem: string): BlobStoreError {
  return new BlobStoreError('protocol', {
    operation: 'list',
    location: connection.location,
    key: prefix,
    problem,
    retryable: true,
    fix: fixes.endpoint,
  });
}
