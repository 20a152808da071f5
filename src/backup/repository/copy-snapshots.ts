import {
  EncryptionDowngradeError,
  MissingKeyError,
  ObjectMissingError,
  RepositoryDamagedError,
} from '../../errors/backup-errors.ts';
import type { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { forEachLimited } from '../../util/concurrency.ts';
import { copyKeyFile } from './copy-keys.ts';
import type { HeadSnapshot } from '../format/head.ts';
import type { Keyring } from './keyring.ts';
import type { SegmentEntry } from '../format/manifest.ts';
import { readOwnHead, writeOwnHead, type OwnHead } from './own-head.ts';
import { putVerified } from './transfer.ts';
import { listMachineFiles, type RepositoryContext } from './repository-context.ts';
import { headKey, manifestKey, segmentKey } from '../format/names.ts';
import type { LoadedHead, LoadedManifest } from './repository-objects.ts';
import { retained, type RetentionPolicy } from './retention.ts';
import { orderSnapshots } from './list-snapshots.ts';

/** Number of segments that are copied at the same time. */
const PARALLEL_COPIES = 4;

export interface CopyOptions {
  /**
   * The target's retention policy: snapshots that it would drop are not copied, and leave the list with the next one
   * that is copied. Only `prune` deletes their objects. Default: all are copied, and all stay.
   */
  readonly policy?: RetentionPolicy | undefined;
  /** Keys of objects in the target that a check found damaged. They are copied again. */
  readonly suspect?: ReadonlySet<string> | undefined;
  /** Ends the copy before the next object. Copied objects stay, and the next copy skips them. */
  readonly signal?: AbortSignal | undefined;
}

export interface CopyResult {
  /** `unchanged`: the target had everything, so nothing was written. */
  readonly outcome: 'copied' | 'unchanged';
  /** Snapshots that the target's head did not list before. */
  readonly copied: readonly HeadSnapshot[];
  /** Snapshots that are damaged or incomplete in the source. */
  readonly skipped: readonly { readonly snapshotId: string; readonly error: FaissMemoryError }[];
  readonly objectsWritten: number;
  readonly bytesWritten: number;
  /** True when the target had an older head than this data folder saw before. The copy replaced it. */
  readonly wentBack: boolean;
}

/**
 * Copies one machine's snapshots from one repository to another: a push when the target is remote, a download when
 * it is local. For each snapshot it stores and verifies the missing segments, then the manifest, then the head.
 * It deletes no object in the target. Objects that the target lacks or has with a wrong size are copied again, even
 * when its head lists their snapshot.
 *
 * The newest snapshot is complete and listed in the target before the copy of the older ones begins.
 * @throws MachineForkedError, EncryptionDowngradeError when a plain source meets an encrypted target, and the
 *   errors of both stores; snapshots that were published before the error stay published
 */
export async function copySnapshots(
  source: RepositoryContext,
  target: RepositoryContext,
  options: CopyOptions = {},
): Promise<CopyResult> {
  if (source.machine !== target.machine)
    throw new RangeError('the source and the target belong to different machines');
  const loaded = await source.objects.readHead(source.machine, true);
  const { keyring } = target.keys;
  if (loaded !== null) assertSameProtection(source, loaded, keyring);
  // This comes before the target's head is opened: after a change of the passphrase, opening it needs the new file.
  const keyFileWritten = keyring !== null && loaded !== null && (await copyKeyFile(source, target, keyring));
  const own = await readOwnHead(target);
  const { signal, policy } = options;
  const task = new CopyTask(source, target, { sealed: loaded?.sealed ?? false, signal, policy });
  await task.start(options.suspect ?? new Set());
  const copied = await task.run(own, wanted(loaded?.head.snapshots ?? [], own, policy));
  const healed = own.torn && copied.length === 0;
  if (healed) await writeOwnHead(target, own, own.snapshots);
  const objectsWritten = task.objectsWritten + (keyFileWritten ? 1 : 0);
  return {
    outcome: healed || objectsWritten > 0 || copied.length > 0 ? 'copied' : 'unchanged',
    copied,
    skipped: task.skipped,
    objectsWritten,
    bytesWritten: task.bytesWritten,
    wentBack: own.wentBack,
  };
}

/** A repository never holds both encrypted and plain snapshots. */
function assertSameProtection(source: RepositoryContext, loaded: LoadedHead, keyring: Keyring | null): void {
  const key = headKey(source.machine);
  if (keyring === null && loaded.sealed) throw new MissingKeyError(key, 'no-passphrase');
  if (keyring === null || loaded.sealed) return;
  throw new EncryptionDowngradeError(key, 'is plain and must not be published');
}

/** @returns the snapshots to copy, newest first */
function wanted(
  snapshots: readonly HeadSnapshot[],
  own: OwnHead,
  policy: RetentionPolicy | undefined,
): HeadSnapshot[] {
  const newestFirst = [...snapshots].reverse();
  const kept = new Set(thinned(union(own.snapshots, snapshots), policy).map(({ snapshotId }) => snapshotId));
  return newestFirst.filter(({ snapshotId }) => kept.has(snapshotId));
}

function thinned(
  snapshots: readonly HeadSnapshot[],
  policy: RetentionPolicy | undefined,
): readonly HeadSnapshot[] {
  return policy === undefined ? snapshots : retained(snapshots, policy);
}

/** Joins two lists in order of publication. The first list's entry wins when both have the same snapshot. */
function union(listed: readonly HeadSnapshot[], others: readonly HeadSnapshot[]): HeadSnapshot[] {
  const known = new Set(listed.map(({ snapshotId }) => snapshotId));
  return orderSnapshots([listed, others.filter(({ snapshotId }) => !known.has(snapshotId))]);
}

class CopyTask {
  readonly #source: RepositoryContext;
  readonly #target: RepositoryContext;
  readonly #sealed: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #policy: RetentionPolicy | undefined;
  /** Keys of the objects in the target, with their sizes in bytes. */
  readonly #present = new Map<string, number>();
  readonly skipped: { snapshotId: string; error: FaissMemoryError }[] = [];
  objectsWritten = 0;
  bytesWritten = 0;

  constructor(
    source: RepositoryContext,
    target: RepositoryContext,
    { sealed, signal, policy }: Pick<CopyOptions, 'signal' | 'policy'> & { readonly sealed: boolean },
  ) {
    this.#policy = policy;
    this.#source = source;
    this.#target = target;
    this.#sealed = sealed;
    this.#signal = signal;
  }

  async start(suspect: ReadonlySet<string>): Promise<void> {
    const { manifests, segments } = await listMachineFiles(this.#target.store, this.#target.machine);
    for (const { key, size } of [...manifests.values(), ...segments.values()]) {
      if (!suspect.has(key)) this.#present.set(key, size);
    }
  }

  /** @returns the snapshots that are new in the target */
  async run(own: OwnHead, newestFirst: readonly HeadSnapshot[]): Promise<HeadSnapshot[]> {
    const listed = new Set(own.snapshots.map(({ snapshotId }) => snapshotId));
    const [newest, ...older] = newestFirst;
    const added: HeadSnapshot[] = [];
    let current = own;
    for (const batch of [newest === undefined ? [] : [newest], older]) {
      const complete: HeadSnapshot[] = [];
      for (const snapshot of batch) if (await this.#tryCopy(snapshot)) complete.push(snapshot);
      const fresh = complete.filter(({ snapshotId }) => !listed.has(snapshotId));
      if (fresh.length === 0) continue;
      // The batch is newest first; a head is oldest first.
      const snapshots = thinned(union(current.snapshots, fresh.reverse()), this.#policy);
      await writeOwnHead(this.#target, current, snapshots);
      // Also the last time: a copy of the data folder may have written its head at the same moment.
      current = await readOwnHead(this.#target);
      added.push(...fresh);
    }
    return added;
  }

  /** @returns false when the source's objects are damaged; the other snapshots are still copied */
  async #tryCopy(snapshot: HeadSnapshot): Promise<boolean> {
    try {
      await this.#copyObjects(snapshot);
      return true;
    } catch (error) {
      if (!(error instanceof RepositoryDamagedError) && !(error instanceof ObjectMissingError)) throw error;
      this.skipped.push({ snapshotId: snapshot.snapshotId, error });
      return false;
    }
  }

  async #copyObjects(snapshot: HeadSnapshot): Promise<void> {
    const { machine, objects } = this.#source;
    const loaded = await objects.readManifest(machine, snapshot, this.#sealed);
    await forEachLimited(loaded.manifest.segments, PARALLEL_COPIES, (entry) => this.#copySegment(entry));
    await this.#copyManifest(snapshot.snapshotId, loaded);
  }

  async #copySegment(entry: SegmentEntry): Promise<void> {
    const { machine, objects } = this.#source;
    const key = segmentKey(machine, entry.name);
    if (this.#present.get(key) === entry.bytes) return;
    await this.#put(key, await objects.readSegment(machine, entry));
  }

  async #copyManifest(snapshotId: string, { bytes }: LoadedManifest): Promise<void> {
    const key = manifestKey(this.#source.machine, snapshotId);
    if (this.#present.get(key) !== bytes.length) await this.#put(key, bytes);
  }

  async #put(key: string, bytes: Uint8Array): Promise<void> {
    this.#signal?.throwIfAborted();
    await putVerified(this.#target.store, { key, bytes });
    this.#present.set(key, bytes.length);
    this.objectsWritten += 1;
    this.bytesWritten += bytes.length;
  }
}
