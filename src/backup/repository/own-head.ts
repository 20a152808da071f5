import {
  EncryptionDowngradeError,
  MachineForkedError,
  RepositoryDamagedError,
} from '../../errors/backup-errors.ts';
import {
  type Commit,
  encodeCommits,
  encodeHead,
  type Head,
  type HeadSnapshot,
  rememberCommit,
  type SeenCommit,
  wentBack,
} from '../format/head.ts';
import type { JsonValue } from '../../memory/version.ts';
import { putVerified } from './transfer.ts';
import type { RepositoryContext } from './repository-context.ts';
import { headKey, MAX_RETIRED } from '../format/names.ts';
import { encodeObject, type LoadedHead } from './repository-objects.ts';
import { newestShared, notedCommit, readWitnesses } from './witnesses.ts';

/** The own head before the next write. */
export interface OwnHead {
  /** Null when this machine has no usable head in the repository. */
  readonly previous: LoadedHead | null;
  /** True when the head is older than one seen before, or gone. The next write repairs this. */
  readonly wentBack: boolean;
  /** True when the stored head is damaged and is written again under the same id. */
  readonly torn: boolean;
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
  let torn = false;
  const previous = await objects.readHead(machine, true).catch((error: unknown) => {
    torn = true;
    return onDamage(context, error);
  });
  if (previous === null) return { previous, wentBack: wentBack(null, seen), torn, snapshots: [] };
  const { head, sealed } = previous;
  const attempt = await journal.findAttempt(repositoryId, head.commitId);
  if (attempt !== null && (attempt.seq !== head.seq || attempt.ownWrites !== head.ownWrites)) {
    // Another writer changed the numbers of this data folder's commit, so the head is not used.
    return onAlteredHead(await journal.findSeen(repositoryId, machine));
  }
  if (attempt === null) {
    const newestFirst = [...head.pastCommits].sort((a, b) => b.seq - a.seq);
    throw new MachineForkedError(machine, await newestShared(context, newestFirst), context.store.location);
  }
  if (keys.keyring !== null && !sealed && (await wasSealed(context, [head.commitId, seen?.commitId]))) {
    throw new EncryptionDowngradeError(headKey(machine), 'is plain where an encrypted one was before');
  }
  const sameChain = sealed === (keys.keyring !== null);
  const back = wentBack(head, seen);
  const listed = back ? await stillListed(context, head.snapshots) : head.snapshots;
  return { previous, wentBack: back, torn, snapshots: sameChain ? listed : [] };
}

/** An older head may list snapshots that were dropped since, and whose objects are gone. */
async function stillListed(
  context: RepositoryContext,
  snapshots: readonly HeadSnapshot[],
): Promise<readonly HeadSnapshot[]> {
  const { newest } = await sentHeads(context);
  if (newest === null) return snapshots;
  const sent = await context.objects.openHead(context.machine, newest).catch(() => null);
  const ids = new Set(sent?.head.snapshots.map(({ snapshotId }) => snapshotId));
  return sent === null ? snapshots : snapshots.filter(({ snapshotId }) => ids.has(snapshotId));
}

/**
 * Handles an own head that cannot be read. In an exclusive repository it is written again; elsewhere too, when it is a
 * piece of a head that this data folder sent. Any other damage may hide the head of a copy of the data folder,
 * so this data folder must take a new identity; the last seen commit is shared.
 * @returns the whole head that this data folder sent; null in an exclusive repository
 */
async function onDamage(context: RepositoryContext, error: unknown): Promise<LoadedHead | null> {
  if (!(error instanceof RepositoryDamagedError)) throw error;
  if (context.exclusive) return null;
  const { journal, objects, repositoryId, machine, store } = context;
  const found = await objects.rawHead(machine);
  const { newest, beginnings } = await sentHeads(context);
  if (found !== null && newest !== null && beginnings.some((beginning) => isPiece(found, beginning))) {
    return objects.openHead(machine, newest);
  }
  const seen = await journal.findSeen(repositoryId, machine);
  const attempt = seen === null ? null : await journal.findAttempt(repositoryId, seen.commitId);
  throw new MachineForkedError(machine, attempt?.ownWrites ?? 0, store.location);
}

/** True when a store that kept only a part of a head has `found`: the beginning, perhaps followed by zero bytes. */
function isPiece(found: Uint8Array, beginning: Uint8Array): boolean {
  const end = found.findLastIndex((byte) => byte !== 0) + 1;
  const size = Math.min(end, beginning.length);
  return Buffer.compare(found.subarray(0, size), beginning.subarray(0, size)) === 0;
}

/** Number of heads whose beginnings are kept, because a store may show an older one again. */
const BEGINNINGS = 32;
/** Long enough to contain the random commit id, which comes first in a head. */
const BEGINNING_BYTES = 256;
/** Larger heads are not kept. No retention policy keeps so many snapshots. */
const MAX_SENT_BYTES = 1024 * 1024;

interface SentHeads {
  /** The stored bytes of the head that this data folder sent last. Null before the first one. */
  readonly newest: Buffer | null;
  /** The first bytes of the heads that this data folder sent last, newest first. */
  readonly beginnings: readonly Buffer[];
  /** The commit of the newest one and its past commits. */
  readonly last: Pick<Head, 'seq' | 'commitId' | 'ownWrites' | 'pastCommits'> | null;
}

function sentName({ repositoryId, machine }: RepositoryContext): string {
  return `sent-head:${repositoryId}:${machine}`;
}

async function sentHeads(context: RepositoryContext): Promise<SentHeads> {
  const note = context.exclusive ? null : await context.journal.readNote(sentName(context));
  if (note === null || typeof note !== 'object' || Array.isArray(note))
    return { newest: null, beginnings: [], last: null };
  const [last, ...pastCommits] = Array.isArray(note['commits']) ? note['commits'].flatMap(notedCommit) : [];
  return {
    newest: fromBase64(note['newest'])[0] ?? null,
    beginnings: Array.isArray(note['beginnings']) ? note['beginnings'].flatMap(fromBase64) : [],
    last: last === undefined ? null : { ...last, pastCommits },
  };
}

function fromBase64(value: JsonValue | undefined): Buffer[] {
  return typeof value === 'string' ? [Buffer.from(value, 'base64')] : [];
}

/** Durable before the head is put, so that whatever the store keeps of it can be recognized. */
async function noteSentHead(context: RepositoryContext, head: Head, bytes: Buffer): Promise<void> {
  if (context.exclusive) return;
  const { beginnings } = await sentHeads(context);
  const kept = [bytes.subarray(0, BEGINNING_BYTES), ...beginnings].slice(0, BEGINNINGS);
  await context.journal.writeNote(sentName(context), {
    newest: bytes.length > MAX_SENT_BYTES ? null : bytes.toString('base64'),
    beginnings: kept.map((beginning) => beginning.toString('base64')),
    commits: encodeCommits([commitOf(head), ...head.pastCommits]),
  });
}

/** Ids of this data folder whose backups were removed from this repository, oldest first. */
async function readRetired({ journal, repositoryId }: RepositoryContext): Promise<string[]> {
  const note = await journal.readNote(`retired:${repositoryId}`);
  return Array.isArray(note) ? note.filter((machine) => typeof machine === 'string') : [];
}

/** The next heads say that the backups under this id, which the data folder gave up, were removed on purpose. */
export async function noteRetired(context: RepositoryContext): Promise<void> {
  const others = (await readRetired(context)).filter((machine) => machine !== context.machine);
  const retired = [...others, context.machine].slice(-MAX_RETIRED);
  await context.journal.writeNote(`retired:${context.repositoryId}`, retired);
}

/** Ignores the altered head. The next head starts empty, with a number above all recorded ones. */
function onAlteredHead(seen: SeenCommit | null): OwnHead {
  return { previous: null, wentBack: seen !== null, torn: false, snapshots: [] };
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
  const stored = own.previous?.head ?? null;
  const { last: sent } = await sentHeads(context);
  // A stored head that went back does not name the newest past commits.
  const last = sent !== null && sent.seq > (stored?.seq ?? 0) ? sent : stored;
  const commit: Commit = {
    // The number is above both, so that no number is used twice after a head went back.
    seq: Math.max(last?.seq ?? 0, seen?.seq ?? 0) + 1,
    commitId: random(8).toString('hex'),
    ownWrites: snapshots.at(-1)?.clock[machine] ?? last?.ownWrites ?? 0,
  };
  const pastCommits = last === null ? [] : rememberCommit(commitOf(last), last.pastCommits);
  const witnesses = context.exclusive ? null : await readWitnesses(context);
  const retired = context.exclusive ? [] : await readRetired(context);
  const head: Head = { machine, ...commit, pastCommits, snapshots, witnesses, retired };
  const bytes = await encodeObject({ kind: 'head', machine }, encodeHead(head), { dataKey, random });
  await journal.recordAttempt(repositoryId, { ...commit, sealed: dataKey !== null });
  await noteSentHead(context, head, bytes);
  await putVerified(store, { key: headKey(machine), bytes });
  await journal.recordSeen(repositoryId, machine, commit);
  return head;
}

function commitOf({ seq, commitId, ownWrites }: Commit): Commit {
  return { seq, commitId, ownWrites };
}
