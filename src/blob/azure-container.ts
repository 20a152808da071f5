import type { ContainerClient } from '@azure/storage-blob';
import { BlobStoreError } from '../errors/remote-errors.ts';
import type { AzureBlobSettings } from './blob-settings.ts';
import { loadOptionalPackage } from './load-optional-package.ts';
import { unlessBlank } from './normalize-prefix.ts';

/** A client for the container. @throws BlobStoreError `misconfigured` or `missing-package` */
export async function openAzureContainer(settings: AzureBlobSettings): Promise<ContainerClient> {
  const container = unlessBlank(settings.bucket);
  if (container === undefined) throw misconfigured('no container is set', 'Set the container as the bucket.');
  const sdk = await loadOptionalPackage({
    name: '@azure/storage-blob',
    major: 12,
    load: () => import('@azure/storage-blob'),
    location: `azure://${container}`,
  });
  // Repeating is the business of one decorator, the same for every store.
  const options = { retryOptions: { maxTries: 1 } };
  const connectionString = unlessBlank(settings.connectionString);
  if (connectionString !== undefined) return new sdk.ContainerClient(connectionString, container, options);
  const account = unlessBlank(settings.accountName);
  const key = unlessBlank(settings.accountKey);
  const sas = unlessBlank(settings.sasToken)?.replace(/^\?/, '');
  const base = unlessBlank(settings.endpoint) ?? defaultEndpoint(account);
  const url = `${base.replace(/\/+$/, '')}/${container}`;
  if (sas !== undefined) return new sdk.ContainerClient(`${url}?${sas}`, undefined, options);
  if (account === undefined || key === undefined) {
    const absent = account === undefined ? 'name' : 'key';
    throw misconfigured(
      `the account ${absent} is missing`,
      `Set the account ${absent}, a shared access signature, or a connection string.`,
    );
  }
  return new sdk.ContainerClient(url, new sdk.StorageSharedKeyCredential(account, key), options);
}

function defaultEndpoint(account: string | undefined): string {
  if (account !== undefined) return `https://${account}.blob.core.windows.net`;
  throw misconfigured('neither an account name nor an endpoint is set', 'Set the account name.');
}

function misconfigured(problem: string, fix: string): BlobStoreError {
  return new BlobStoreError('misconfigured', { operation: 'open', location: 'Azure Blob', problem, fix });
}
