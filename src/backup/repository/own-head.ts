import type { PutCondition } from '../../blob/blob-store.ts';
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

/** The own head as it is before it is written again. */
export interface OwnHead {
  /** Null when this machine has none there yet. */
  readonly previous: LoadedHead | null;
  /** The store shows an older head than it did before, or none: reported; writing a new one heals it. */
  readonly wentBack: boolean;
  /** What the next head starts from: empty when encryption was turned on, which starts a fresh chain. */
  readonly snapshots: readonly HeadSnapshot[];
}

/**
 * Reads the own head and makes sure that this data folder wrote it.
 * @throws MachineForkedError when it did not; EncryptionDowngradeError when a plain head stands where an
 *   encrypted one was; and as `RepositoryObjects.readHead`
 */
export async function readOwnHead(context: RepositoryContext): Promise<OwnHead> {
  const { objects, journal, repositoryId, machine, keys } = context;
  const seen = await journal.findSeen(repositoryId, machine);
  const previous = await objects.readHead(machine, true).catch((error: unknown) => onDamage(context, error));
  if (previous === null) return { previous, wentBack: wentBack(null, seen), snapshots: [] };
  const { head, sealed } = previous;
  const attempt = await journal.findAttempt(repositoryId, head.commitId);
  if (attempt !== null && (attempt.seq !== head.seq || attempt.ownWrites !== head.ownWrites)) {
    // Somebody put other numbers around a commit of ours; we write it anew from what we know.
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
 * Who wrote a head that cannot be read is unknown. Where nobody else can have, it is written anew; elsewhere a copy
 * of the data folder may have, after the commit that we saw last, which it then knows.
 */
async function onDamage(context: RepositoryContext, error: unknown): Promise<null> {
  if (!(error instanceof RepositoryDamagedError)) throw error;
  if (context.exclusive) return null;
  const { journal, repositoryId, machine, store } = context;
  const seen = await journal.findSeen(repositoryId, machine);
  const attempt = seen === null ? null : await journal.findAttempt(repositoryId, seen.commitId);
  throw new MachineForkedError(machine, attempt?.ownWrites ?? 0, store.location);
}

/** Nothing of it is taken, so the next head starts afresh above everything that we wrote ourselves. */
function onAlteredHead(seen: SeenCommit | null): OwnHead {
  return { previous: null, wentBack: seen !== null, snapshots: [] };
}

/** The newest commit in a stranger's past that is ours tells up to where both have the same writes. */
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
 * Writes the own head: the one moment in which snapshots appear or disappear. Call it only when every object
 * that the snapshots need is stored and verified.
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
    // Above both, so that a head that went back never makes a number appear twice.
    seq: Math.max(last?.seq ?? 0, seen?.seq ?? 0) + 1,
    commitId: random(8).toString('hex'),
    ownWrites: snapshots.at(-1)?.clock[machine] ?? last?.ownWrites ?? 0,
  };
  const pastCommits = last === null ? [] : rememberCommit(commitOf(last), last.pastCommits);
  const head: Head = { machine, ...commit, pastCommits, snapshots };
  const bytes = await encodeObject({ kind: 'head', machine }, encodeHead(head), { dataKey, random });
  await journal.recordAttempt(repositoryId, { ...commit, sealed: dataKey !== null });
  await putVerified(store, { key: headKey(machine), bytes }, { onlyIf: guard(context, own) });
  await journal.recordSeen(repositoryId, machine, commit);
  return head;
}

function commitOf({ seq, commitId, ownWrites }: Head): Commit {
  return { seq, commitId, ownWrites };
}

function guard({ conditionalWrites }: RepositoryContext, { previous }: OwnHead): PutCondition | undefined {
  if (!conditionalWrites) return undefined;
  if (previous === null) return 'absent';
  return previous.etag === null ? undefined : { etag: previous.etag };
}
