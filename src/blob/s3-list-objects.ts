import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { BlobStoreError } from '../errors/blob-store-error.ts';
import { isBlobKey } from './blob-key.ts';
import type { BlobCallOptions, BlobInfo } from './blob-store.ts';
import { fixes } from './failure.ts';
import type { S3Session } from './s3-session.ts';

export interface ListObjectsOptions extends BlobCallOptions {
  /** Keys per page; only the probe asks for less than the usual 1,000. */
  readonly pageSize?: number;
}

/** All objects below the store's prefix whose keys start with `prefix`. */
export async function listObjects(
  session: S3Session,
  prefix: string,
  options: ListObjectsOptions,
): Promise<BlobInfo[]> {
  const found: BlobInfo[] = [];
  const seenTokens = new Set<string>();
  let token: string | undefined;
  do {
    const page = await listPage(session, prefix, { ...options, token });
    for (const object of page.Contents ?? []) {
      const info = infoOf(session.connection.prefix, object);
      if (info !== undefined) found.push(info);
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    const endless = token === undefined ? page.IsTruncated === true : seenTokens.has(token);
    if (endless)
      throw protocolError(session, prefix, 'the store says there are more pages but not how to get them');
    if (token !== undefined) seenTokens.add(token);
  } while (token !== undefined);
  return found;
}

function listPage(
  session: S3Session,
  prefix: string,
  options: ListObjectsOptions & { readonly token: string | undefined },
): Promise<ListObjectsV2CommandOutput> {
  const { connection, sdk, client } = session;
  return session.call({ operation: 'list', key: prefix }, options, async (deadline) => {
    const command = new sdk.ListObjectsV2Command({
      Bucket: connection.bucket,
      Prefix: connection.prefix + prefix,
      ContinuationToken: options.token,
      MaxKeys: options.pageSize ?? 1000,
    });
    const page = await client.send(command, { abortSignal: deadline.signal });
    // Any other XML, such as a sign-in page, would read as an empty bucket.
    if (page.IsTruncated === undefined || page.Name === undefined) {
      throw protocolError(session, prefix, 'the answer is not a list of objects');
    }
    return page;
  });
}

function infoOf(
  storePrefix: string,
  object: {
    Key?: string | undefined;
    Size?: number | undefined;
    LastModified?: Date | undefined;
    ETag?: string | undefined;
  },
): BlobInfo | undefined {
  if (object.Key?.startsWith(storePrefix) !== true) return undefined;
  const key = object.Key.slice(storePrefix.length);
  if (!isBlobKey(key)) return undefined;
  return {
    key,
    size: object.Size ?? 0,
    lastModified: object.LastModified?.getTime() ?? 0,
    etag: object.ETag ?? null,
  };
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
