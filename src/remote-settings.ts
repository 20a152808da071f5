import type { BlobSettings } from './blob/blob-settings.ts';
import type { Settings } from './config/schema.ts';

/** Where the remote is, from the settings of sync. The result contains secrets. */
export function toBlobSettings(sync: Settings['sync']): BlobSettings {
  const { provider, bucket, prefix, region, endpoint, pathStyle, accountId } = sync;
  const accessKey = sync.accessKey?.reveal();
  const secretKey = sync.secretKey?.reveal();
  switch (provider) {
    case 'folder':
      return { provider, path: bucket };
    case 'gcs':
      // Credentials are found as Google's own tools find them.
      return { provider, bucket, prefix, endpoint };
    case 'azure':
      return { provider, bucket, prefix, endpoint, accountName: accessKey, accountKey: secretKey };
    case 's3':
      return { provider, bucket, prefix, region, endpoint, pathStyle, accountId, accessKey, secretKey };
    default: {
      const common = { bucket, prefix, region, endpoint, pathStyle, accountId, accessKey, secretKey };
      return { provider: 's3', preset: provider, ...common };
    }
  }
}
