import {
  EncryptionDowngradeError,
  MachineForkedError,
  RepositoryDamagedError,
} from '../../errors/backup-errors.ts';
import {
  type Commit,
  encodeHead,
  type Head,
  type HeadSnapshot,
  rememberCommit,
  type SeenCommit,
  wentBack,
} from '../format/head.ts';
import { putVerified } from './transfer.ts';
import type { RepositoryContext } from './repository-context.ts';
import { headKey } from '../format/names.ts';
import { encodeObject, type LoadedHead } from './repository-objects.ts';

/** The own head before the next write. */
export interface OwnHead {
  /** Null when this machine has no usable head in the repository. */
  readonly previous: LoadedHead | null;
  /** True when the head is older than one seen before, or gone. The next write repairs this. */
  readonly wentBack: boolean;
  /** The snapshots that the next head starts with. Empty after encryption was turned on or off. */
  readonly snapshots: readonly HeadSnapshot[];
}

/**
 * Reads the own head and makes sure that this data folder wrote it.
 * @throws MachineForkedError when another data folder wrote it; EncryptionDowngradeError when a plain head replaced
 *   an encrypted one; and the errors of `RepositoryObjects.readHead`
 */
export async function readOwnHead(context: RepositoryContext): Promise<OwnHead> {
  const { objects, journal, repositoryId, machine, keys } = context;
  const seen = await journal.findSeen(repositoryId, machine);
  const previous = await objects.readHead(machine, true).catch((error: unknown) => onDamage(context, error));
  if (previous === null) return { previous, wentBack: wentBack(null, seen), snapshots: [] };
  const { head, sealed } = previous;
  const attempt = await journal.findAttempt(repositoryId, head.commitId);
  if (attempt !== null && (attempt.seq !== head.seq || attempt.ownWrites !== head.ownWrites)) {
    // Another writer changed the numbers of this data folder's commit, so the head is not used.
    return onAlteredHead(await journal.findSeen(repositoryId, machine));
  }
  if (attempt === null) {
    throw new MachineForkedError(machine, await lastSharedWrite(context, head), context.store.location);
  }
  if (keys.keyring !== null && !sealed && (await wasSealed(context, [head.commitId, seen?.commitId]))) {
    throw new EncryptionDowngradeError(headKey(machine), 'is plain where an encrypted one was before');
  }
  const sameChain = sealed === (keys.keyring !== null);
  return { previous, wentBack: wentBack(head, seen), snapshots: sameChain ? head.snapshots : [] };
}

/**
 * Handles an own head that cannot be read. In an exclusive repository it is written again. Elsewhere a copy of the
 * data folder may have written it, so this data folder must take a new identity; the last seen commit is shared.
 */
async function onDamage(context: RepositoryContext, error: unknown): Promise<null> {
  if (!(error instanceof RepositoryDamagedError)) throw error;
  if (context.exclusive) return null;
  const { journal, repositoryId, machine, store } = context;
  const seen = await journal.findSeen(repositoryId, machine);
  const attempt = seen === null ? null : await journal.findAttempt(repositoryId, seen.commitId);
  throw new MachineForkedError(machine, attempt?.ownWrites ?? 0, store.location);
}

/** Ignores the altered head. The next head starts empty, with a number above all recorded ones. */
function onAlteredHead(seen: SeenCommit | null): OwnHead {
  return { previous: null, wentBack: seen !== null, snapshots: [] };
}

/** The own write counter at the newest commit that the other copy's head and this data folder share; 0 without one. */
async function lastSharedWrite({ journal, repositoryId }: RepositoryContext, head: Head): Promise<number> {
  const newestFirst = [...head.pastCommits].sort((a, b) => b.seq - a.seq);
  for (const { commitId } of newestFirst) {
    const attempt = await journal.findAttempt(repositoryId, commitId);
    if (attempt !== null) return attempt.ownWrites;
  }
  return 0;
}

async function wasSealed(
  { journal, repositoryId }: RepositoryContext,
  commitIds: readonly (string | undefined)[],
): Promise<boolean> {
  for (const commitId of commitIds) {
    if (commitId !== undefined && (await journal.findAttempt(repositoryId, commitId))?.sealed === true)
      return true;
  }
  return false;
}

/**
 * Writes the own head. Snapshots appear and disappear only by this write, so every object that they need must be
 * stored and verified before.
 */
export async function writeOwnHead(
  context: RepositoryContext,
  own: OwnHead,
  snapshots: readonly HeadSnapshot[],
): Promise<Head> {
  const { journal, repositoryId, machine, store, random } = context;
  const dataKey = await context.keys.current(machine);
  const seen = await journal.findSeen(repositoryId, machine);
  const last = own.previous?.head ?? null;
  const commit: Commit = {
    // The number is above both, so that no number is used twice after a head went back.
    seq: Math.max(last?.seq ?? 0, seen?.seq ?? 0) + 1,
    commitId: random(8).toString('hex'),
    ownWrites: snapshots.at(-1)?.clock[machine] ?? last?.ownWrites ?? 0,
  };
  const pastCommits = last === null ? [] : rememberCommit(commitOf(last), last.pastCommits);
  const head: Head = { machine, ...commit, pastCommits, snapshots };
  const bytes = await encodeObject({ kind: 'head', machine }, encodeHead(head), { dataKey, random });
  await journal.recordAttempt(repositoryId, { ...commit, sealed: dataKey !== null });
  await putVerified(store, { key: headKey(machine), bytes });
  await journal.recordSeen(repositoryId, machine, commit);
  return head;
}

function commitOf({ seq, commitId, ownWrites }: Head): Commit {
  return { seq, commitId, ownWrites };
}
