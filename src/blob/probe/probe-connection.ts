import { BlobStoreError, type BlobStoreReason } from '../../errors/remote-errors.ts';
import type { BlobSettings, S3BlobSettings } from '../blob-settings.ts';
import type { CreatableBlobStore } from '../blob-store.ts';
import { isCertificateCode } from '../../util/network-problem.ts';
import { createBlobStore } from '../create-blob-store.ts';
import type { ProbeFinding, ProbeCheck } from './probe-finding.ts';
import { retryingBlobStore } from '../decorators.ts';

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

/** A store that answered a first call; or null with findings that say why not. */
export type FirstContact =
  | { readonly store: CreatableBlobStore; readonly findings: readonly ProbeFinding[] }
  | { readonly store: null; readonly findings: readonly ProbeFinding[] };

/** Lists the prefix once. When that fails, it tries similar settings to find the wrong one. */
export async function probeConnection(settings: BlobSettings, signal?: AbortSignal): Promise<FirstContact> {
  const { store, error } = await tryToList(settings, signal);
  if (error === null) {
    return {
      store,
      findings: [{ check: 'list', level: 'ok', message: 'Connected, and objects can be listed.' }],
    };
  }
  await store?.close();
  // Nothing can be restored without the permission to list, so the probe ends here.
  const alternative = settings.provider === 's3' ? await findAlternative(settings, error, signal) : undefined;
  return { store: null, findings: [alternative ?? findingOf(error)] };
}

/** A finding for an error that ends the probe. */
export function findingOf(error: BlobStoreError): ProbeFinding {
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

/** Tries the other protocol and the other path style. */
async function findAlternative(
  settings: S3BlobSettings,
  error: BlobStoreError,
  signal: AbortSignal | undefined,
): Promise<ProbeFinding | undefined> {
  // A refused certificate proves that the address is right. No other address is tried, and none without TLS.
  if (isCertificateCode(error.providerCode)) return undefined;
  if (['tls', 'protocol', 'interrupted', 'wrong-endpoint'].includes(error.reason)) {
    const other = await findOtherProtocol(settings, signal);
    if (other !== undefined) return other;
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

async function findOtherProtocol(
  settings: S3BlobSettings,
  signal: AbortSignal | undefined,
): Promise<ProbeFinding | undefined> {
  const swapped = swapProtocol(settings.endpoint);
  if (swapped === undefined) return undefined;
  const { store, error } = await tryToList({ ...settings, endpoint: swapped }, signal);
  await store?.close();
  const protocol = swapped.startsWith('https') ? 'https' : 'http';
  const certificate = isCertificateCode(error?.providerCode);
  // A TLS server answers plain HTTP with status 400 or not at all.
  const answered = error?.status !== undefined && (protocol === 'https' || error.status !== 400);
  if (error !== null && !answered && !certificate) return undefined;
  const trust = certificate ? ` ${error?.fix ?? ''}` : '';
  return {
    check: 'endpoint',
    level: 'problem',
    message: `The server speaks ${protocol}.`,
    fix: `Set the endpoint to ${swapped}.${trust}`,
  };
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
