import type { BlobInfo, BlobStore } from '../../blob/blob-store.ts';
import { RepositoryDamagedError } from '../../errors/backup-errors.ts';
import { InvalidInputError } from '../../errors/input-errors.ts';
import { BlobStoreError } from '../../errors/remote-errors.ts';
import { type VersionVector, includesMore, joinVersionVectors } from '../../memory/version.ts';
import type { HeadSnapshot } from '../format/head.ts';
import { noteRetired, type OwnHead, readOwnHead, writeOwnHead } from './own-head.ts';
import { listMachineFiles, type MachineFiles, type RepositoryContext } from './repository-context.ts';
import { planRetention, type RetentionPolicy } from './retention.ts';

/** Unreferenced objects younger than this may belong to a snapshot that is being written. */
const GRACE_MS = 24 * 3_600_000;

export interface PruneResult {
  /** Snapshots that are no longer listed. */
  readonly dropped: readonly HeadSnapshot[];
  readonly deletedObjects: number;
  readonly deletedBytes: number;
  /** Number of unreferenced objects that are too young or could not be deleted. */
  readonly leftObjects: number;
  /** True when the store refused a delete. Snapshots are dropped from the list, but their bytes stay. */
  readonly appendOnly: boolean;
  readonly wentBack: boolean;
}

/**
 * Drops snapshots that the policy does not keep, in the machine's own folder only. It removes them from the head
 * first, then deletes objects that no listed snapshot needs and that are older than 24 hours by the store's clock.
 * A reader of a dropped snapshot may find an object missing; it then starts again from the head.
 *
 * When a listed manifest cannot be read, nothing is deleted, because its segments are unknown.
 * @throws the errors of `readOwnHead` and `RepositoryObjects.readManifest`
 */
export async function prune(context: RepositoryContext, policy: RetentionPolicy): Promise<PruneResult> {
  const own = await readOwnHead(context);
  const { previous } = own;
  const result = { dropped: [], deletedObjects: 0, deletedBytes: 0, leftObjects: 0, appendOnly: false };
  if (previous === null || own.snapshots.length === 0) return { ...result, wentBack: own.wentBack };
  const { keep, drop } = planRetention(own.snapshots, policy);
  const kept = keep.map(({ snapshot }) => snapshot);
  if (drop.length > 0) await writeOwnHead(context, own, kept);
  const files = await listMachineFiles(context.store, context.machine);
  const unreferenced = await findUnreferenced(context, { ...own, snapshots: kept }, files);
  const deleted = await deleteOld(context, unreferenced);
  return { ...result, dropped: drop, ...deleted, wentBack: own.wentBack };
}

async function findUnreferenced(
  { objects, machine }: RepositoryContext,
  { previous, snapshots }: OwnHead,
  files: MachineFiles,
): Promise<BlobInfo[]> {
  const manifests = new Map(files.manifests);
  const segments = new Map(files.segments);
  for (const snapshot of snapshots) {
    const { manifest } = await objects.readManifest(machine, snapshot, previous?.sealed ?? false);
    manifests.delete(snapshot.snapshotId);
    for (const { name } of manifest.segments) segments.delete(name);
  }
  // Manifests come first: a manifest without its segments is worse than segments without a manifest.
  return [...manifests.values(), ...segments.values()];
}

async function deleteOld(
  { store }: RepositoryContext,
  unreferenced: readonly BlobInfo[],
): Promise<Pick<PruneResult, 'deletedObjects' | 'deletedBytes' | 'leftObjects' | 'appendOnly'>> {
  let deletedObjects = 0;
  let deletedBytes = 0;
  let appendOnly = false;
  for (const file of unreferenced) {
    if (!isOld(store, file)) continue;
    const { key, size } = file;
    try {
      await store.delete(key);
      deletedObjects += 1;
      deletedBytes += size;
    } catch (error) {
      if (!(error instanceof BlobStoreError) || error.reason !== 'access-denied') throw error;
      appendOnly = true;
      break;
    }
  }
  return { deletedObjects, deletedBytes, leftObjects: unreferenced.length - deletedObjects, appendOnly };
}

function isOld(store: BlobStore, { lastModified }: BlobInfo): boolean {
  const serverTime = store.serverTime();
  return serverTime !== null && serverTime - lastModified > GRACE_MS;
}

/**
 * Deletes the folder of a machine that is gone for good. No other operation changes another machine's objects, and
 * only a user's explicit request may call this one. The head goes first, so no listed snapshot is ever incomplete.
 * @param clock version vector of the local store, which must include all of the machine's snapshots; null allows the
 *   loss of their changes
 * @returns number of objects deleted
 * @throws InvalidInputError for the own machine, or when changes would be lost; and the errors of `readHead`
 */
export async function forgetMachine(
  context: RepositoryContext,
  machine: string,
  clock: VersionVector | null,
): Promise<number> {
  if (machine === context.machine) {
    throw new InvalidInputError('machine', `is this machine, ${machine}`, 'name another machine');
  }
  const loaded = await context.objects.readHead(machine, true).catch((error: unknown) => {
    // Its snapshots are unreadable already, so deleting them loses nothing.
    if (error instanceof RepositoryDamagedError) return null;
    throw error;
  });
  const included = (loaded?.head.snapshots ?? []).reduce<VersionVector>(
    (joined, snapshot) => joinVersionVectors(joined, snapshot.clock),
    {},
  );
  if (clock !== null && includesMore(included, clock)) {
    throw new InvalidInputError(
      'machine',
      `${machine} has published changes that this machine does not have`,
      'merge its newest snapshot first, or give --unmerged to drop them',
    );
  }
  return deleteFolder(context, machine);
}

async function deleteFolder({ store }: RepositoryContext, machine: string): Promise<number> {
  const files = allOf(await listMachineFiles(store, machine));
  for (const { key } of files) await store.delete(key);
  return files.length;
}

/** The head comes first. */
function allOf({ head, keyFile, manifests, segments }: MachineFiles): BlobInfo[] {
  return [head, ...manifests.values(), ...segments.values(), keyFile].filter((file) => file !== null);
}

/**
 * Removes the backups under an id that this data folder gave up; it has published everything again under another one.
 * An empty head comes first, so that a store that refuses to delete lists nothing under that id either, and so that a
 * copy of the data folder that still uses the id notices it.
 * @param context for the id that was given up
 * @param known the content of this store. When the head is damaged or gone, the store must include everything that lies
 *   in the folder, because a copy may have written it
 * @returns false when the folder stays: its head is damaged or gone, and it has changes that this store does not include
 *   or, without a head, objects younger than a day
 */
export async function retire(context: RepositoryContext, known: KnownContent): Promise<boolean> {
  const { objects, journal, repositoryId, machine } = context;
  const loaded = await objects.readHead(machine, true).catch(damagedIfDamaged);
  const head = loaded === 'damaged' ? null : loaded;
  if (head !== null && (await journal.findAttempt(repositoryId, head.head.commitId)) === null) return true;
  const files = await listMachineFiles(context.store, machine);
  const isEmpty = allOf(files).length === 0;
  if (head === null && !isEmpty) {
    if (!(await includesFolder(context, files, known))) return false;
    // A copy of the data folder may be about to write a head that lists these files.
    if (loaded === null && !allOf(files).every((file) => isOld(context.store, file))) return false;
  }
  const own = { previous: head, wentBack: false, torn: false, snapshots: [] };
  if (!isEmpty && head?.head.snapshots.length !== 0) await writeOwnHead(context, own, []);
  await noteRetired(context);
  await deleteFolder(context, machine).catch((error: unknown) => {
    if (!(error instanceof BlobStoreError) || error.reason !== 'access-denied') throw error;
  });
  return true;
}

function damagedIfDamaged(error: unknown): 'damaged' {
  if (error instanceof RepositoryDamagedError) return 'damaged';
  throw error;
}

export interface KnownContent {
  /** Version vector of the local store. */
  readonly clock: VersionVector;
  /** Ids of snapshots that this data folder made. */
  readonly snapshotIds: ReadonlySet<string>;
}

/** True when the store includes the writes of every readable manifest in the machine's folder. */
async function includesFolder(
  { objects, machine }: RepositoryContext,
  { manifests }: MachineFiles,
  { clock, snapshotIds }: KnownContent,
): Promise<boolean> {
  for (const snapshotId of manifests.keys()) {
    if (snapshotIds.has(snapshotId)) continue;
    const manifest = await objects.readUnlistedManifest(machine, snapshotId);
    if (includesMore(manifest?.clock ?? {}, clock)) return false;
  }
  return true;
}
