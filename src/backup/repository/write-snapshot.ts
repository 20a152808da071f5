import { createHash } from 'node:crypto';
import { ObjectMissingError, RepositoryDamagedError } from '../../errors/backup-errors.ts';
import { compactSegments } from './compaction.ts';
import type { HeadSnapshot } from '../format/head.ts';
import { encodeManifest, type Manifest, type SegmentEntry } from '../format/manifest.ts';
import { readOwnHead, writeOwnHead, type OwnHead } from './own-head.ts';
import { putVerified } from './transfer.ts';
import { listMachineFiles, type RepositoryContext } from './repository-context.ts';
import { createSnapshotId, manifestKey, segmentKey, type SnapshotKind } from '../format/names.ts';
import { encodeObject } from './repository-objects.ts';
import { encodeRow } from '../format/row.ts';
import { retained, type RetentionPolicy } from './retention.ts';
import type { Sealer } from '../format/sealed-object.ts';
import { SegmentWriter, type EncodedSegment } from '../format/segment.ts';
import { freeTime } from './snapshot-name.ts';
import type { SnapshotView } from '../ports.ts';

export interface SnapshotRequest {
  readonly kind: SnapshotKind;
  /** @default false */
  readonly pinned?: boolean;
  /** Write a snapshot even when the newest one holds the same state. @default false */
  readonly evenIfUnchanged?: boolean;
  /** Reuse no stored object, because one of them is known to be damaged. @default false */
  readonly fromScratch?: boolean;
  /** The snapshots that it would drop leave the list; only `prune` deletes their objects. Default: all stay. */
  readonly policy?: RetentionPolicy | undefined;
  /** Ends the work before the next object. */
  readonly signal?: AbortSignal | undefined;
}

export interface SnapshotResult {
  /** `unchanged`: nothing was written, because the newest snapshot holds the view's state. `snapshot` is that one. */
  readonly outcome: 'written' | 'unchanged';
  readonly snapshot: HeadSnapshot;
  /** Bytes stored, including those of compaction. */
  readonly bytesWritten: number;
  /** True when the whole store was written, not only its changes: for the first snapshot, or after damage. */
  readonly full: boolean;
  /** True when the repository had an older head than this data folder saw before. The snapshot replaced it. */
  readonly wentBack: boolean;
}

/**
 * Writes a snapshot of the view: first the segments, then the manifest, and after both were verified the head. A
 * crash at any step leaves the listed snapshots as they were, plus some unreferenced objects. When an object that it
 * would reuse is damaged, it writes the whole store again.
 * @throws MachineForkedError, the errors of the blob store and of the view
 */
export async function writeSnapshot(
  context: RepositoryContext,
  view: SnapshotView,
  request: SnapshotRequest,
): Promise<SnapshotResult> {
  if (view.machine !== context.machine) {
    throw new RangeError(`a store of ${view.machine} cannot be written as ${context.machine}`);
  }
  const own = await readOwnHead(context);
  const newest = own.snapshots.at(-1);
  const base = request.fromScratch === true ? null : await readBase(context, own, view);
  if (base !== null && newest !== undefined && request.evenIfUnchanged !== true && isSame(base, view)) {
    return { outcome: 'unchanged', snapshot: newest, bytesWritten: 0, full: false, wentBack: own.wentBack };
  }
  const dataKey = await context.keys.current(context.machine);
  const sealer = dataKey === null ? null : { dataKey, random: context.random };
  const task = new SnapshotTask(context, view, { sealer, signal: request.signal });
  const { segments, full } = await task.segments(base);
  const createdAt = freeTime({ kind: request.kind, createdAt: context.now() }, own.snapshots);
  const snapshot = await task.manifest(segments, { ...request, createdAt });
  const snapshots = [...own.snapshots, snapshot];
  const { policy } = request;
  await writeOwnHead(context, own, policy === undefined ? snapshots : retained(snapshots, policy));
  return { outcome: 'written', snapshot, bytesWritten: task.bytesWritten, full, wentBack: own.wentBack };
}

/** @returns the newest manifest, to write only the changes since; null when the whole store must be written */
async function readBase(
  { objects, machine }: RepositoryContext,
  { previous, snapshots }: OwnHead,
  view: SnapshotView,
): Promise<Manifest | null> {
  const newest = snapshots.at(-1);
  if (previous === null || newest === undefined) return null;
  try {
    const { manifest } = await objects.readManifest(machine, newest, previous.sealed);
    const stale = manifest.sequence > view.sequence;
    // The content changed without a new change number. A snapshot of the changes alone would miss that for ever.
    const unaccounted = manifest.sequence === view.sequence && manifest.contentDigest !== view.contentDigest;
    return stale || unaccounted ? null : manifest;
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof RepositoryDamagedError || error instanceof ObjectMissingError;
}

function isSame(base: Manifest, view: SnapshotView): boolean {
  return base.sequence === view.sequence && base.stateDigest === view.stateDigest;
}

/** Removes earlier segments with the same name: they have the same rows as the later one. */
function withoutRepeats(segments: readonly SegmentEntry[]): SegmentEntry[] {
  const last = new Map(segments.map(({ name }, index) => [name, index]));
  return segments.filter(({ name }, index) => last.get(name) === index);
}

/** Writes one snapshot and counts the bytes. */
class SnapshotTask {
  readonly #context: RepositoryContext;
  readonly #view: SnapshotView;
  readonly #sealer: Sealer | null;
  readonly #signal: AbortSignal | undefined;
  bytesWritten = 0;

  constructor(
    context: RepositoryContext,
    view: SnapshotView,
    { sealer, signal }: { readonly sealer: Sealer | null; readonly signal: AbortSignal | undefined },
  ) {
    this.#context = context;
    this.#view = view;
    this.#sealer = sealer;
    this.#signal = signal;
  }

  async segments(base: Manifest | null): Promise<{ segments: readonly SegmentEntry[]; full: boolean }> {
    if (base !== null) {
      try {
        return { segments: await this.#extend(base), full: false };
      } catch (error) {
        if (!isDamage(error)) throw error;
      }
    }
    return { segments: await this.#writeChanges(0), full: true };
  }

  async #extend(base: Manifest): Promise<readonly SegmentEntry[]> {
    const { store, objects, machine } = this.#context;
    const changes = await this.#writeChanges(base.sequence);
    const compacted = await compactSegments({
      machine,
      segments: withoutRepeats([...base.segments, ...changes]),
      read: (entry) => objects.readSegment(machine, entry),
      memories: this.#view.facts.memories,
      createWriter: () => this.#createWriter(),
    });
    const segments = withoutRepeats(compacted);
    const files = await listMachineFiles(store, machine);
    for (const { name, bytes } of segments) {
      const key = segmentKey(machine, name);
      const size = files.segments.get(name)?.size;
      if (size === undefined) throw new ObjectMissingError(key, store.location);
      if (size !== bytes) throw new RepositoryDamagedError(key, `has ${size} of its ${bytes} bytes`);
    }
    return segments;
  }

  async #writeChanges(sequence: number): Promise<readonly SegmentEntry[]> {
    const writer = this.#createWriter();
    for await (const state of this.#view.changesSince(sequence)) {
      await writer.add(Buffer.from(`${encodeRow(state)}\n`, 'utf8'));
    }
    return writer.finish();
  }

  #createWriter(): SegmentWriter {
    const { machine } = this.#context;
    return new SegmentWriter({ machine, sealer: this.#sealer, store: (segment) => this.#put(segment) });
  }

  async #put({ entry, bytes }: EncodedSegment): Promise<void> {
    this.#signal?.throwIfAborted();
    const { store, machine } = this.#context;
    await putVerified(store, { key: segmentKey(machine, entry.name), bytes });
    this.bytesWritten += bytes.length;
  }

  /** Stores the manifest. @returns the head's entry for it */
  async manifest(
    segments: readonly SegmentEntry[],
    { createdAt, ...request }: SnapshotRequest & { readonly createdAt: number },
  ): Promise<HeadSnapshot> {
    const { machine, random, store } = this.#context;
    const { sequence, clock, contentDigest, stateDigest, facts } = this.#view;
    const snapshotId = createSnapshotId(machine, createdAt, random);
    const about = { snapshotId, kind: request.kind, createdAt, clock, facts };
    const json = encodeManifest({ ...about, machine, sequence, contentDigest, stateDigest, segments });
    const dataKey = this.#sealer?.dataKey ?? null;
    const bytes = await encodeObject({ kind: 'manifest', machine }, json, { dataKey, random });
    this.#signal?.throwIfAborted();
    await putVerified(store, { key: manifestKey(machine, snapshotId), bytes });
    this.bytesWritten += bytes.length;
    const totalBytes = segments.reduce((sum, segment) => sum + segment.bytes, bytes.length);
    const manifestHash = createHash('sha256').update(bytes).digest('hex');
    return { ...about, totalBytes, pinned: request.pinned ?? false, manifestHash };
  }
}
