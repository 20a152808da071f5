import type { PresetName } from './s3/provider-presets.ts';

export interface FolderBlobSettings {
  readonly provider: 'folder';
  /** Absolute path of a folder that exists. */
  readonly path: string;
}

interface CloudBlobSettings {
  /** Prepended to every key. Slashes at its ends are ignored. Empty: the store uses the whole bucket. */
  readonly prefix?: string | undefined;
  /**
   * Milliseconds without progress after which a request fails. Also the longest wait for an answer, not counting the
   * time to transfer the bytes.
   * @default 30000
   */
  readonly timeoutMs?: number | undefined;
}

/** Empty strings count as not set. */
export interface S3BlobSettings extends CloudBlobSettings {
  readonly provider: 's3';
  readonly bucket: string;
  /** Name of a provider, which supplies the endpoint, region and path style. */
  readonly preset?: PresetName | undefined;
  /** Needed for presets whose endpoint contains it, for example `r2`. */
  readonly accountId?: string | undefined;
  /** Default: `us-east-1` with a custom endpoint; without one, the region that the AWS tools use. */
  readonly region?: string | undefined;
  /** Default: Amazon's endpoint. */
  readonly endpoint?: string | undefined;
  /** Default: true with an endpoint, false without. */
  readonly pathStyle?: boolean | undefined;
  /** Set both keys or neither. Default: the AWS chain (environment, profile, SSO, web identity, ECS and EC2 roles). */
  readonly accessKey?: string | undefined;
  readonly secretKey?: string | undefined;
  /** Of a temporary pair of keys. */
  readonly sessionToken?: string | undefined;
}

export interface GcsBlobSettings extends CloudBlobSettings {
  readonly provider: 'gcs';
  readonly bucket: string;
  /** Where `createBucket` creates it; unset = the project of the credentials. */
  readonly projectId?: string | undefined;
  /** Service account key file; unset = application default credentials. */
  readonly keyFile?: string | undefined;
  /** For emulators and private endpoints. No credentials are sent to an `http:` endpoint. */
  readonly endpoint?: string | undefined;
}

export interface AzureBlobSettings extends CloudBlobSettings {
  readonly provider: 'azure';
  /** Name of the container. */
  readonly bucket: string;
  /** Everything in one; wins over the other three. */
  readonly connectionString?: string | undefined;
  readonly accountName?: string | undefined;
  readonly accountKey?: string | undefined;
  /** Shared access signature, instead of the account key. */
  readonly sasToken?: string | undefined;
  /** Default `https://<accountName>.blob.core.windows.net`. */
  readonly endpoint?: string | undefined;
}

/** The address of a store and the credentials for it. Contains secrets: never log it. */
export type BlobSettings = FolderBlobSettings | S3BlobSettings | GcsBlobSettings | AzureBlobSettings;
