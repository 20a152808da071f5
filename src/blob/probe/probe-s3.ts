import { createHash } from 'node:crypto';
import { BlobStoreError } from '../../errors/remote-errors.ts';
import type { S3BlobSettings } from '../blob-settings.ts';
import type { BlobCallOptions } from '../blob-store.ts';
import type { ProbeFinding } from './probe-finding.ts';
import { resolveS3, S3Session } from '../s3/s3-session.ts';
import { listObjects } from '../s3/s3-objects.ts';

export interface S3ProbeRequest {
  readonly settings: S3BlobSettings;
  /** Key prefix ending in a slash that belongs to the probe. */
  readonly folder: string;
  readonly options: BlobCallOptions;
}

/** Probes the parts that only S3 has: checksums, pages of lists, versions. The caller deletes the objects afterwards. */
export async function probeS3(request: S3ProbeRequest): Promise<ProbeFinding[]> {
  const session = await S3Session.open(resolveS3(request.settings));
  try {
    const findings: ProbeFinding[] = [];
    for (const step of [probeChecksum, probePaging, probeVersioning]) {
      const finding = await step(session, request).catch(undefinedIfStore);
      if (finding !== undefined) findings.push(finding);
    }
    return findings;
  } finally {
    session.close();
  }
}

/** These steps are optional, so an error of the store yields no finding. */
function undefinedIfStore(error: unknown): undefined {
  if (error instanceof BlobStoreError) return undefined;
  throw error;
}

async function probeChecksum(session: S3Session, request: S3ProbeRequest): Promise<ProbeFinding> {
  const key = `${request.folder}checksum`;
  const Body = Buffer.from('faiss-memory probe: what is sent');
  const ContentMD5 = createHash('md5').update('something else').digest('base64');
  const { bucket: Bucket, prefix } = session.connection;
  try {
    await session.call({ operation: 'put', key }, request.options, ({ signal: abortSignal }) =>
      session.client.send(new session.sdk.PutObjectCommand({ Bucket, Key: prefix + key, Body, ContentMD5 }), {
        abortSignal,
      }),
    );
  } catch (error) {
    if (!(error instanceof BlobStoreError) || error.status === undefined || error.status >= 500) throw error;
    return { check: 'checksum', level: 'ok', message: 'The store refuses damaged uploads.' };
  }
  return {
    check: 'checksum',
    level: 'note',
    message:
      'The store does not check the checksums of uploads. Damage is detected by reading the objects back.',
  };
}

async function probePaging(session: S3Session, { folder, options }: S3ProbeRequest): Promise<ProbeFinding> {
  const { bucket: Bucket, prefix } = session.connection;
  const names = ['1', '2', '3', '4', '5'];
  for (const name of names) {
    const key = `${folder}page/${name}`;
    await session.call({ operation: 'put', key }, options, ({ signal: abortSignal }) =>
      session.client.send(
        new session.sdk.PutObjectCommand({ Bucket, Key: prefix + key, Body: Buffer.from(name) }),
        {
          abortSignal,
        },
      ),
    );
  }
  const listed = await listObjects(session, `${folder}page/`, { ...options, pageSize: 2 }).catch(
    emptyIfStore,
  );
  const keys = listed.map(({ key }) => key.slice(-1)).sort();
  if (keys.join() === names.join())
    return { check: 'paging', level: 'ok', message: 'Long lists are complete.' };
  return {
    check: 'paging',
    level: 'warning',
    message:
      'Lists of more than one page are incomplete, so backups with more than 1,000 objects do not work.',
    fix: 'Ask the provider about ListObjectsV2 with continuation tokens.',
  };
}

function emptyIfStore(error: unknown): [] {
  if (error instanceof BlobStoreError) return [];
  throw error;
}

async function probeVersioning(
  session: S3Session,
  { options }: S3ProbeRequest,
): Promise<ProbeFinding | undefined> {
  const command = new session.sdk.GetBucketVersioningCommand({ Bucket: session.connection.bucket });
  const { Status } = await session.call({ operation: 'head' }, options, ({ signal: abortSignal }) =>
    session.client.send(command, { abortSignal }),
  );
  if (Status !== 'Enabled') return undefined;
  return {
    check: 'versioning',
    level: 'note',
    message:
      'The bucket keeps old versions of objects: deleted and purged memories stay in it until these versions expire.',
    fix: 'Add a lifecycle rule that removes old versions after some days.',
  };
}
