import { randomBytes } from 'node:crypto';
import { BlobStoreError } from '../../errors/remote-errors.ts';
import type { BlobSettings } from '../blob-settings.ts';
import type { BlobCallOptions, BlobStore } from '../blob-store.ts';
import { checkBlobSettings } from './check-blob-settings.ts';
import { findingOf, probeConnection } from './probe-connection.ts';
import type { ConditionalPut, ProbeFinding, ProbeReport } from './probe-finding.ts';
import { probeConditions, probeLargest, probeObjects, type ProbeArea } from './probe-objects.ts';
import { probeS3 } from './probe-s3.ts';
import { findProxy } from '../../util/proxy.ts';
import { unlessBlank } from '../arguments.ts';
import { addressOfS3, resolveS3 } from '../s3/s3-session.ts';
import { retryingBlobStore } from '../decorators.ts';

/** A probe writes objects under `probe/<random>/` and deletes them at its end. */
const probeFolder = 'probe';
/** A larger difference is a warning. Amazon refuses requests from 15 minutes on. */
const clockProblemMs = 5 * 60_000;
const clockNoteMs = 60_000;

const conditionMessages: Record<ConditionalPut, string> = {
  honoured: 'Conditional writes work and serve as an extra guard.',
  'absent-only': 'Conditional writes work for new objects only. They are not needed.',
  refused: 'The store refuses conditional writes. They are not needed.',
  ignored: 'The store accepts conditional writes but ignores the condition. They are not needed.',
  unknown: 'Conditional writes could not be tried. They are not needed.',
};

export interface ProbeOptions extends BlobCallOptions {
  /** Size in bytes of the largest usual object. Absent: writing such an object is not tried. */
  readonly largestBytes?: number;
}

/**
 * Checks whether a store can hold backups, and if not, which setting to change. A `BlobStoreError` becomes a finding
 * and is never thrown. Writes a few objects under `probe/` and deletes them.
 */
export async function probeBlobStore(
  settings: BlobSettings,
  { largestBytes, ...options }: ProbeOptions = {},
): Promise<ProbeReport> {
  const location = repositoryIdOf(settings);
  const mistakes = checkBlobSettings(settings);
  if (mistakes.some(({ level }) => level === 'problem')) return report({ location, findings: mistakes });
  const { store, findings: contact } = await probeConnection(settings, options.signal);
  if (store === null)
    return report({ location, findings: [...mistakes, ...proxyIfKnown(settings), ...contact] });
  const folder = `${probeFolder}/${randomBytes(8).toString('hex')}/`;
  const area = { store: retryingBlobStore(store, { attempts: 3 }), folder, options };
  try {
    const findings = [...mistakes, ...contact, ...proxyOf(settings), ...(await probeObjects(area))];
    if (findings.some(({ level }) => level === 'problem')) {
      return report({ location: store.location, findings, ...clockOf(store) });
    }
    const largest = largestBytes === undefined ? undefined : await probeLargest(area, largestBytes);
    if (largest !== undefined) findings.push(largest);
    const conditionalPut = await probeConditions(area);
    findings.push({ check: 'conditional-put', level: 'note', message: conditionMessages[conditionalPut] });
    if (settings.provider === 's3') findings.push(...(await probeS3({ settings, folder, options })));
    return report({ location: store.location, findings, conditionalPut, ...clockOf(store) });
  } catch (error) {
    if (!(error instanceof BlobStoreError)) throw error;
    return report({ location: store.location, findings: [findingOf(error)] });
  } finally {
    await cleanUp(area);
    await store.close();
  }
}

/** Empty when the settings contain no valid address, which another finding reports. */
function proxyIfKnown(settings: BlobSettings): ProbeFinding[] {
  try {
    return proxyOf(settings);
  } catch (error) {
    if (error instanceof BlobStoreError) return [];
    throw error;
  }
}

/** Names the proxy of the requests, if there is one. */
function proxyOf(settings: BlobSettings): ProbeFinding[] {
  const proxy = findProxy(addressOf(settings));
  if (proxy === undefined) return [];
  const message = `Requests go through the proxy ${proxy.shown} (${proxy.variable}).`;
  return [{ check: 'endpoint', level: 'note', message }];
}

/** The address that decides about the proxy. Empty for a folder. */
function addressOf(settings: BlobSettings): string {
  switch (settings.provider) {
    case 'folder':
      return '';
    case 's3':
      return addressOfS3(resolveS3(settings));
    case 'gcs':
      return unlessBlank(settings.endpoint) ?? 'https://storage.googleapis.com';
    case 'azure':
      return unlessBlank(settings.endpoint) ?? `https://${settings.accountName ?? ''}.blob.core.windows.net`;
  }
}

/** Name of a store that was not opened. */
function repositoryIdOf(settings: BlobSettings): string {
  return settings.provider === 'folder' ? settings.path : `${settings.provider} ${settings.bucket}`;
}

function clockOf(store: BlobStore): Pick<ProbeReport, 'clockOffsetMs'> {
  const serverTime = store.serverTime();
  return { clockOffsetMs: serverTime === null ? null : Math.round(serverTime - Date.now()) };
}

function report(part: Partial<ProbeReport> & Pick<ProbeReport, 'findings' | 'location'>): ProbeReport {
  const { clockOffsetMs = null, conditionalPut = 'unknown', location } = part;
  const findings = [...part.findings, ...clockFinding(clockOffsetMs)];
  const usable = findings.every(({ level }) => level !== 'problem');
  return { location, findings, usable, clockOffsetMs, conditionalPut };
}

function clockFinding(offsetMs: number | null): ProbeFinding[] {
  if (offsetMs === null) return [];
  const seconds = Math.round(Math.abs(offsetMs) / 1000);
  if (Math.abs(offsetMs) < clockNoteMs) {
    return [{ check: 'clock', level: 'ok', message: "This computer's clock agrees with the store's." }];
  }
  return [
    {
      check: 'clock',
      level: Math.abs(offsetMs) < clockProblemMs ? 'note' : 'warning',
      message: `This computer's clock is ${seconds} s ${offsetMs > 0 ? 'behind' : 'ahead of'} the store's.`,
      fix: "Set this computer's clock, or let it follow a time server.",
    },
  ];
}

async function cleanUp({ store, folder, options }: ProbeArea): Promise<void> {
  try {
    for (const { key } of await store.list(folder, options)) await store.delete(key, options);
  } catch (error) {
    // `probeDelete` has reported a missing permission. A few bytes stay in the store.
    if (!(error instanceof BlobStoreError)) throw error;
  }
}
