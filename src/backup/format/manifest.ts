import type { StoreDigests } from '../../memory/memory.ts';
import { canonicalJson } from '../../memory/version.ts';
import { KEY_BYTES } from './encryption.ts';
import {
  FORMAT_VERSION,
  isSnapshotId,
  isSnapshotKind,
  MAX_SEGMENT_BYTES,
  MAX_SEGMENTS,
  MAX_STORED_BYTES,
  MIN_ROW_BYTES,
  type SnapshotKind,
} from './names.ts';
import type { ObjectChecker } from './object-checker.ts';

const FORMAT = 'faiss-memory-snapshot';
const COUNT = { min: 0, max: Number.MAX_SAFE_INTEGER };

/** A manifest's entry for one segment. A reader checks the segment against it. */
export interface SegmentEntry {
  /** SHA-256 of the stored bytes. */
  readonly name: string;
  /** Size of the stored object: compressed, and in an encrypted repository encrypted. */
  readonly bytes: number;
  /** Size of the JSON lines. */
  readonly plainBytes: number;
  readonly rows: number;
  /** Only in encrypted repositories. */
  readonly contentKey?: Buffer;
}

/** Numbers to show to people. Only `memories` decides anything: a reader checks it against the number of ids. */
export interface SnapshotFacts {
  /** Number of ids, including those of deleted and erased memories. */
  readonly memories: number;
  readonly live: number;
  readonly trash: number;
}

/**
 * One complete, immutable state of one machine's store. Together the segments hold every id of the store. The whole
 * state of an id is in the last segment of the list that has a row for it.
 */
export interface Manifest extends StoreDigests {
  readonly snapshotId: string;
  readonly machine: string;
  readonly kind: SnapshotKind;
  /** Milliseconds since the epoch by the machine's own clock. Shown to people; never decides which snapshot is newer. */
  readonly createdAt: number;
  /** The machine's local change number up to which the snapshot includes changes. Only that machine can use it. */
  readonly sequence: number;
  readonly facts: SnapshotFacts;
  /** Oldest first; names are distinct. */
  readonly segments: readonly SegmentEntry[];
}

/** Canonical JSON. */
export function encodeManifest(manifest: Manifest): Buffer {
  const segments = manifest.segments.map(({ contentKey, ...entry }) => ({
    ...entry,
    contentKey: contentKey?.toString('base64'),
  }));
  return Buffer.from(
    canonicalJson({ format: FORMAT, version: FORMAT_VERSION, ...manifest, segments }),
    'utf8',
  );
}

export interface ManifestExpectation {
  /** Taken from the manifest's key, as is `snapshotId`. A manifest that was moved to this key is refused. */
  readonly machine: string;
  readonly snapshotId: string;
  /** True in an encrypted repository. Then every segment must have a content key, otherwise none. */
  readonly sealed: boolean;
}

/** @throws RepositoryDamagedError, RepositoryTooNewError */
export function decodeManifest(
  json: Buffer,
  expected: ManifestExpectation,
  checker: ObjectChecker,
): Manifest {
  const fields = checker.object(checker.parse(json), '');
  checker.header(fields, FORMAT);
  if (fields['machine'] !== expected.machine) checker.fail('machine', 'is not the machine of its folder');
  if (fields['snapshotId'] !== expected.snapshotId || !isSnapshotId(expected.snapshotId)) {
    checker.fail('snapshotId', 'is not its name');
  }
  const kind = fields['kind'];
  if (!isSnapshotKind(kind)) return checker.fail('kind', 'is not a kind of snapshot');
  const segments = checker
    .list(fields['segments'], 'segments', MAX_SEGMENTS)
    .map((entry) => decodeSegmentEntry(entry, expected.sealed, checker));
  if (new Set(segments.map(({ name }) => name)).size < segments.length) {
    checker.fail('segments', 'names a segment twice');
  }
  return {
    snapshotId: expected.snapshotId,
    machine: expected.machine,
    kind,
    createdAt: checker.time(fields['createdAt'], 'createdAt'),
    sequence: checker.integer(fields['sequence'], 'sequence', COUNT),
    clock: checker.clock(fields['clock'], 'clock'),
    contentDigest: checker.sha256(fields['contentDigest'], 'contentDigest'),
    stateDigest: checker.sha256(fields['stateDigest'], 'stateDigest'),
    facts: decodeFacts(fields['facts'], checker),
    segments,
  };
}

export function decodeFacts(value: unknown, checker: ObjectChecker): SnapshotFacts {
  const fields = checker.object(value, 'facts');
  return {
    memories: checker.integer(fields['memories'], 'facts.memories', COUNT),
    live: checker.integer(fields['live'], 'facts.live', COUNT),
    trash: checker.integer(fields['trash'], 'facts.trash', COUNT),
  };
}

function decodeSegmentEntry(value: unknown, sealed: boolean, checker: ObjectChecker): SegmentEntry {
  const fields = checker.object(value, 'segments');
  const plainBytes = checker.integer(fields['plainBytes'], 'segments.plainBytes', {
    min: 1,
    max: MAX_SEGMENT_BYTES,
  });
  const entry = {
    name: checker.sha256(fields['name'], 'segments.name'),
    bytes: checker.integer(fields['bytes'], 'segments.bytes', { min: 1, max: MAX_STORED_BYTES }),
    plainBytes,
    rows: checker.integer(fields['rows'], 'segments.rows', {
      min: 1,
      max: Math.floor(plainBytes / MIN_ROW_BYTES),
    }),
  };
  const contentKey = fields['contentKey'];
  if (sealed) return { ...entry, contentKey: checker.base64(contentKey, 'segments.contentKey', KEY_BYTES) };
  if (contentKey !== undefined) checker.fail('segments.contentKey', 'stands in a plain manifest');
  return entry;
}
