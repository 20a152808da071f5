import { BlobStoreError, type BlobStoreReason } from '../errors/blob-store-error.ts';
import type { BlobSettings, S3BlobSettings } from './blob-settings.ts';
import type { CreatableBlobStore } from './blob-store.ts';
import { createBlobStore } from './create-blob-store.ts';
import type { Finding, ProbeCheck } from './probe-finding.ts';
import { retryingBlobStore } from './retrying-blob-store.ts';

const checkOfReason: Partial<Record<BlobStoreReason, ProbeCheck>> = {
  unreachable: 'endpoint',
  interrupted: 'endpoint',
  timeout: 'endpoint',
  tls: 'endpoint',
  protocol: 'endpoint',
  'wrong-endpoint': 'endpoint',
  'server-error': 'endpoint',
  'bad-credentials': 'credentials',
  'access-denied': 'list',
  'no-bucket': 'bucket',
  'wrong-region': 'region',
  'clock-skew': 'clock',
};

/** A store that answered a first call, or why there is none. */
export type FirstContact =
  | { readonly store: CreatableBlobStore; readonly findings: readonly Finding[] }
  | { readonly store: null; readonly findings: readonly Finding[] };

/** Lists the prefix once; when that fails, tries the neighbouring settings to say which one is meant. */
export async function probeConnection(settings: BlobSettings, signal?: AbortSignal): Promise<FirstContact> {
  const { store, error } = await tryToList(settings, signal);
  if (error === null) {
    return {
      store,
      findings: [{ check: 'list', level: 'ok', message: 'Connected, and objects can be listed.' }],
    };
  }
  await store?.close();
  // Without the right to list nothing can be restored, so this is not the place to go on.
  const alternative = settings.provider === 's3' ? await findAlternative(settings, error, signal) : undefined;
  return { store: null, findings: [alternative ?? findingOf(error)] };
}

/** A finding for an error that ends the probe. */
export function findingOf(error: BlobStoreError): Finding {
  const check = checkOfReason[error.reason] ?? 'settings';
  const fix = error.fix ?? 'Check the settings of the provider.';
  return { check, level: 'problem', message: error.message, fix };
}

async function tryToList(settings: BlobSettings, signal: AbortSignal | undefined) {
  let store: CreatableBlobStore | null = null;
  try {
    store = await createBlobStore(settings);
    await retryingBlobStore(store, { attempts: 2 }).list('', { signal });
    return { store, error: null };
  } catch (error) {
    if (!(error instanceof BlobStoreError)) throw error;
    return { store, error };
  }
}

/** Tries what is next to the settings: the other protocol, the other path style. */
async function findAlternative(
  settings: S3BlobSettings,
  error: BlobStoreError,
  signal: AbortSignal | undefined,
): Promise<Finding | undefined> {
  if (['tls', 'protocol', 'interrupted', 'wrong-endpoint'].includes(error.reason)) {
    const swapped = swapProtocol(settings.endpoint);
    if (swapped !== undefined && (await answers({ ...settings, endpoint: swapped }, signal))) {
      const protocol = swapped.startsWith('https') ? 'https' : 'http';
      return {
        check: 'endpoint',
        level: 'problem',
        message: `The server speaks ${protocol}.`,
        fix: `Set the endpoint to ${swapped}.`,
      };
    }
  }
  if (['unreachable', 'wrong-endpoint', 'no-bucket', 'tls', 'protocol'].includes(error.reason)) {
    const pathStyle = !(settings.pathStyle ?? true);
    if (settings.pathStyle !== undefined && (await lists({ ...settings, pathStyle }, signal))) {
      return {
        check: 'path-style',
        level: 'problem',
        message: `The bucket is found with path style ${pathStyle ? 'on' : 'off'}.`,
        fix: `Set path style to ${pathStyle}.`,
      };
    }
  }
  return undefined;
}

function swapProtocol(endpoint: string | undefined): string | undefined {
  if (endpoint?.startsWith('https://') === true) return endpoint.replace('https://', 'http://');
  if (endpoint?.startsWith('http://') === true) return endpoint.replace('http://', 'https://');
  return undefined;
}

async function lists(settings: S3BlobSettings, signal: AbortSignal | undefined): Promise<boolean> {
  const { store, error } = await tryToList(settings, signal);
  await store?.close();
  return error === null;
}

/** Did an HTTP server answer, whatever it said? A refused certificate also shows that it speaks https. */
async function answers(settings: S3BlobSettings, signal: AbortSignal | undefined): Promise<boolean> {
  const { store, error } = await tryToList(settings, signal);
  await store?.close();
  return (
    error === null || error.status !== undefined || /CERT|SELF_SIGNED|VERIFY/.test(error.providerCode ?? '')
  );
}
