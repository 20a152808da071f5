import { BlobStoreError } from '../../errors/remote-errors.ts';

/** Defaults for one provider. `{region}` and `{account}` are replaced with the settings. */
export interface ProviderPreset {
  readonly title: string;
  /** Absent for Amazon, whose endpoint the SDK knows, and for servers with an endpoint of their own. */
  readonly endpoint?: string;
  readonly defaultRegion?: string;
  readonly pathStyle: boolean;
  /** True when the settings must contain the endpoint. */
  readonly ownServer?: boolean;
  /** Hint for users of the provider. */
  readonly note?: string;
}

/** S3-compatible providers by the name that the settings use. */
export const providerPresets = {
  aws: { title: 'Amazon S3', pathStyle: false },
  b2: {
    title: 'Backblaze B2',
    endpoint: 'https://s3.{region}.backblazeb2.com',
    pathStyle: true,
    note: 'No conditional writes. The bucket page shows the endpoint, which contains the region, for example us-west-004.',
  },
  r2: {
    title: 'Cloudflare R2',
    endpoint: 'https://{account}.r2.cloudflarestorage.com',
    defaultRegion: 'auto',
    pathStyle: true,
    note: 'Allows one write a second to the same key. It answers further ones with 429, and they are repeated.',
  },
  spaces: {
    title: 'DigitalOcean Spaces',
    endpoint: 'https://{region}.digitaloceanspaces.com',
    pathStyle: false,
  },
  wasabi: { title: 'Wasabi', endpoint: 'https://s3.{region}.wasabisys.com', pathStyle: true },
  'gcs-s3': {
    title: 'Google Cloud Storage through its S3 interface',
    endpoint: 'https://storage.googleapis.com',
    defaultRegion: 'auto',
    pathStyle: true,
    note: 'Needs HMAC keys of a service account. Conditional writes are not supported.',
  },
  scaleway: { title: 'Scaleway', endpoint: 'https://s3.{region}.scw.cloud', pathStyle: true },
  ovh: { title: 'OVHcloud', endpoint: 'https://s3.{region}.io.cloud.ovh.net', pathStyle: true },
  hetzner: {
    title: 'Hetzner',
    endpoint: 'https://{region}.your-objectstorage.com',
    pathStyle: true,
  },
  linode: { title: 'Akamai (Linode)', endpoint: 'https://{region}.linodeobjects.com', pathStyle: true },
  idrive: {
    title: 'IDrive e2',
    pathStyle: true,
    ownServer: true,
    note: 'The endpoint is on the region page.',
  },
  minio: { title: 'MinIO', defaultRegion: 'us-east-1', pathStyle: true, ownServer: true },
  ceph: { title: 'Ceph RADOS Gateway', defaultRegion: 'us-east-1', pathStyle: true, ownServer: true },
  other: { title: 'S3-compatible server', defaultRegion: 'us-east-1', pathStyle: true, ownServer: true },
} as const satisfies Record<string, ProviderPreset>;

export type PresetName = keyof typeof providerPresets;

export function isPresetName(name: string): name is PresetName {
  return Object.hasOwn(providerPresets, name);
}

export interface PresetInput {
  readonly preset: PresetName;
  readonly region?: string | undefined;
  readonly accountId?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly pathStyle?: boolean | undefined;
}

export interface ResolvedPreset {
  readonly region?: string;
  readonly endpoint?: string;
  readonly pathStyle: boolean;
}

/**
 * Combines the settings with the preset. Settings take precedence.
 * @throws BlobStoreError (`misconfigured`) that names the missing setting
 */
export function resolvePreset(input: PresetInput): ResolvedPreset {
  const preset: ProviderPreset = providerPresets[input.preset];
  const region = input.region ?? preset.defaultRegion;
  const endpoint = input.endpoint ?? fillIn(input, preset, region);
  if (endpoint === undefined && preset.ownServer === true) throw missing(preset, 'the endpoint');
  return {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    pathStyle: input.pathStyle ?? preset.pathStyle,
  };
}

function fillIn(input: PresetInput, preset: ProviderPreset, region: string | undefined): string | undefined {
  const values = { region, account: input.accountId };
  return preset.endpoint?.replace(/\{(region|account)\}/g, (_, name: 'region' | 'account') => {
    const value = values[name];
    if (value === undefined) throw missing(preset, name === 'region' ? 'the region' : 'the account id');
    return value;
  });
}

function missing(preset: ProviderPreset, what: string): BlobStoreError {
  return new BlobStoreError('misconfigured', {
    operation: 'open',
    location: preset.title,
    problem: `${what} is not set`,
    fix: `Set ${what} that ${preset.title} shows for the bucket.`,
  });
}
