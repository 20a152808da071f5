import type { Bucket } from '@google-cloud/storage';
import { BlobStoreError } from '../errors/remote-errors.ts';
import type { GcsBlobSettings } from './blob-settings.ts';
import { loadOptionalPackage } from './load-optional-package.ts';
import { unlessBlank } from './normalize-prefix.ts';

/** A client for the bucket. @throws BlobStoreError `misconfigured` or `missing-package` */
export async function openGcsBucket(settings: GcsBlobSettings): Promise<Bucket> {
  const name = unlessBlank(settings.bucket);
  if (name === undefined) {
    throw new BlobStoreError('misconfigured', {
      operation: 'open',
      location: 'Google Cloud Storage',
      problem: 'no bucket is set',
      fix: 'Set the bucket.',
    });
  }
  const { Storage } = await loadOptionalPackage({
    name: '@google-cloud/storage',
    major: 7,
    load: () => import('@google-cloud/storage'),
    location: `gs://${name}`,
  });
  const endpoint = unlessBlank(settings.endpoint);
  const keyFilename = unlessBlank(settings.keyFile);
  const emulator = endpoint?.startsWith('http:') === true;
  // An emulator has no projects; without one the library would look for Google's metadata server.
  const projectId = unlessBlank(settings.projectId) ?? (emulator ? 'emulator' : undefined);
  const storage = new Storage({
    ...(projectId === undefined ? {} : { projectId }),
    ...(keyFilename === undefined ? {} : { keyFilename }),
    ...(endpoint === undefined ? {} : { apiEndpoint: endpoint, useAuthWithCustomEndpoint: !emulator }),
    // Repeating is the business of one decorator, the same for every store.
    retryOptions: { autoRetry: false, maxRetries: 0 },
    timeout: settings.timeoutMs ?? 30_000,
  });
  return storage.bucket(name);
}
