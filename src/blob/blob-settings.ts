import type { PresetName } from './s3/provider-presets.ts';

export interface FolderBlobSettings {
  readonly provider: 'folder';
  /** Absolute path of a folder that exists. */
  readonly path: string;
}

interface CloudBlobSettings {
  /** Put before every key; slashes at its ends do not matter. Empty = the whole bucket. */
  readonly prefix?: string | undefined;
  /**
   * Longest silence of the network, and longest wait for an answer beyond the time the bytes need; default 30 s.
   */
  readonly timeoutMs?: number | undefined;
}

/** Empty strings count as unset everywhere. */
export interface S3BlobSettings extends CloudBlobSettings {
  readonly provider: 's3';
  readonly bucket: string;
  /** Fills in endpoint, region and path style by a provider's name. */
  readonly preset?: PresetName | undefined;
  /** For presets whose endpoint contains it, for example R2. */
  readonly accountId?: string | undefined;
  /** Unset with a custom endpoint: `us-east-1`. Unset without one: as the AWS tools find it. */
  readonly region?: string | undefined;
  /** Unset = Amazon. */
  readonly endpoint?: string | undefined;
  /** Default: true with an endpoint, else false. */
  readonly pathStyle?: boolean | undefined;
  /** Both keys or none; none = the default chain (environment, profile, SSO, web identity, ECS and EC2 roles). */
  readonly accessKey?: string | undefined;
  readonly secretKey?: string | undefined;
  readonly sessionToken?: string | undefined;
  /** What guards an upload: default MD5 with an endpoint (every server knows it), else SHA-256. */
  readonly uploadChecksum?: 'md5' | 'sha256' | 'none' | undefined;
}

export interface GcsBlobSettings extends CloudBlobSettings {
  readonly provider: 'gcs';
  readonly bucket: string;
  readonly projectId?: string | undefined;
  /** Service account key file; unset = application default credentials. */
  readonly keyFile?: string | undefined;
  /** For emulators and private endpoints; an `http:` endpoint is used without credentials. */
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

/** Where objects are and how to get at them. Contains secrets: never log it. */
export type BlobSettings = FolderBlobSettings | S3BlobSettings | GcsBlobSettings | AzureBlobSettings;
