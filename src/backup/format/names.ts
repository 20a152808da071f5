/** Version of the repository format that this program writes, and the newest it reads. */
export const FORMAT_VERSION = 1;

/**
 * Limits of the repository format. A writer stays below them. A reader refuses larger objects before it loads them,
 * so a hostile or damaged store cannot exhaust the reader's memory.
 */
export const MAX_KEY_FILE_BYTES = 64 * 1024;
export const MAX_HEAD_BYTES = 4 * 1024 * 1024;
export const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;

/** A segment ends before the row that would take it over this many bytes of JSON lines. */
export const TARGET_SEGMENT_BYTES = 16 * 1024 * 1024;
/** Maximum size of a segment's JSON lines. Only a segment of one huge row is larger than the target. */
export const MAX_SEGMENT_BYTES = 48 * 1024 * 1024;
/** Maximum size of a stored object: JSON lines that do not compress, headers, and 17 bytes for each encrypted frame. */
export const MAX_STORED_BYTES = 56 * 1024 * 1024;

export const MAX_SEGMENTS = 65_536;
export const MAX_SNAPSHOTS = 10_000;
export const MAX_PAST_COMMITS = 4_096;
/** Entries of a head about commits of other machines. */
export const MAX_WITNESSES = 1_000;
export const MAX_RETIRED = 1_000;
/** Maximum number of machines in a version vector. Each copied or rolled-back data folder adds one for ever. */
export const MAX_VERSION_VECTOR_ENTRIES = 10_000;
export const MAX_SIBLINGS = 1_024;

/** A row has at least this many bytes, so a row count can be checked against the size before the segment is read. */
export const MIN_ROW_BYTES = 100;

const YEAR_0 = Date.parse('0000-01-01T00:00:00.000Z');
const END_OF_YEAR_9999 = Date.parse('9999-12-31T23:59:59.999Z');
const SNAPSHOT_ID = /^\d{8}t\d{9}z-[0-9a-f]{8}-[0-9a-f]{12}$/;

export function isSnapshotId(text: string): boolean {
  return SNAPSHOT_ID.test(text);
}

/**
 * UTC time to the millisecond, 8 hex digits of the machine id, 12 random hex digits, for example
 * `20260131t235959123z-1a2b3c4d-9f8e7d6c5b4a`. The time in it is only shown to people.
 */
export function createSnapshotId(machine: string, time: number, random: RandomBytes): string {
  const { date, clock, milliseconds } = utcParts(time);
  return `${date}t${clock}${milliseconds}z-${machine.slice(0, 8)}-${random(6).toString('hex')}`;
}

/** `YYYYMMDD`, `HHMMSS` and `mmm` in UTC. A year below 0 counts as 0, one above 9999 as 9999. */
export function utcParts(time: number): { date: string; clock: string; milliseconds: string } {
  const within = Math.min(Math.max(time, YEAR_0), END_OF_YEAR_9999);
  const digits = new Date(within).toISOString().replace(/[^0-9]/g, '');
  return { date: digits.slice(0, 8), clock: digits.slice(8, 14), milliseconds: digits.slice(14, 17) };
}

/**
 * Why a snapshot was made; the first part of its name: `auto`, `manual`, `scheduled`, `pre_restore`, `pre_merge`,
 * `pre_delete`, `pre_import`, `exit`, or a name that a user chose. Readers accept any name of this form.
 */
export type SnapshotKind = string;

const KIND = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
const MAX_LENGTH = 32;

export function isSnapshotKind(value: unknown): value is SnapshotKind {
  return typeof value === 'string' && value.length <= MAX_LENGTH && KIND.test(value);
}

/** First part of every key. A format that readers of version 1 cannot read gets another one. */
export const REPOSITORY_ROOT = 'v1/';

const MACHINE = /^[0-9a-f]{16}$/;
const SHA_256 = /^[0-9a-f]{64}$/;

/** Machine ids are 64 random bits as lower-case hex. */
export function isMachineId(text: string): boolean {
  return MACHINE.test(text);
}

/** Segment names and digests are 32 bytes as lower-case hex. */
export function isSha256(text: string): boolean {
  return SHA_256.test(text);
}

/** A parsed key. Its parts have been checked, so a key made from them cannot leave the machine's folder. */
export type RepositoryObject =
  | { readonly kind: 'key-file'; readonly machine: string }
  | { readonly kind: 'head'; readonly machine: string }
  | { readonly kind: 'manifest'; readonly machine: string; readonly snapshotId: string }
  | { readonly kind: 'segment'; readonly machine: string; readonly name: string };

export function machineFolder(machine: string): string {
  return `${REPOSITORY_ROOT}${machine}/`;
}

export function keyFileKey(machine: string): string {
  return `${machineFolder(machine)}key.json`;
}

export function headKey(machine: string): string {
  return `${machineFolder(machine)}head`;
}

export function manifestKey(machine: string, snapshotId: string): string {
  return `${machineFolder(machine)}snapshots/${snapshotId}`;
}

export function segmentKey(machine: string, name: string): string {
  return `${machineFolder(machine)}segments/${name}`;
}

/** @returns null for keys that are not part of the format; callers leave those objects alone */
export function parseRepositoryKey(key: string): RepositoryObject | null {
  const [root, machine, folder, name, ...rest] = key.split('/');
  if (`${root ?? ''}/` !== REPOSITORY_ROOT || machine === undefined || !isMachineId(machine)) return null;
  if (name === undefined) {
    if (folder === 'head') return { kind: 'head', machine };
    if (folder === 'key.json') return { kind: 'key-file', machine };
    return null;
  }
  if (rest.length > 0) return null;
  if (folder === 'segments' && isSha256(name)) return { kind: 'segment', machine, name };
  if (folder === 'snapshots' && isSnapshotId(name)) return { kind: 'manifest', machine, snapshotId: name };
  return null;
}

/** Source of randomness: `crypto.randomBytes`, except where a test needs known bytes. */
export type RandomBytes = (size: number) => Buffer;
