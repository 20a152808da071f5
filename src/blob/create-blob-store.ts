import type { BlobSettings } from './blob-settings.ts';
import type { CreatableBlobStore } from './blob-store.ts';

/**
 * Creates the store for the settings, without retries. Loads only that provider's library and does not connect.
 * @throws BlobStoreError `misconfigured`, or `missing-package` with the command that installs the package
 */
export async function createBlobStore(settings: BlobSettings): Promise<CreatableBlobStore> {
  switch (settings.provider) {
    case 'folder': {
      const { FolderBlobStore } = await import('./folder/folder-blob-store.ts');
      return new FolderBlobStore(settings.path);
    }
    case 's3': {
      const { S3BlobStore } = await import('./s3/s3-blob-store.ts');
      return S3BlobStore.open(settings);
    }
    case 'gcs': {
      const { GcsBlobStore } = await import('./gcs/gcs-blob-store.ts');
      return GcsBlobStore.open(settings);
    }
    case 'azure': {
      const { AzureBlobStore } = await import('./azure/azure-blob-store.ts');
      return AzureBlobStore.open(settings);
    }
  }
}
