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

/** What a manifest knows about one of its segments before reading it. */
export interface SegmentEntry {
  /** SHA-256 of the stored bytes. */
  readonly name: string;
  /** Stored bytes: compressed, and encrypted if the repository is. */
  readonly bytes: number;
  /** Bytes of the JSON lines. */
  readonly plainBytes: number;
  readonly rows: number;
  /** Only in encrypted repositories. */
  readonly contentKey?: Buffer;
}

/** Numbers for people; nothing is decided by them except `memories`, which bounds the number of distinct ids. */
export interface SnapshotFacts {
  /** All ids, whatever became of them. */
  readonly memories: number;
  readonly live: number;
  readonly trash: number;
}

/**
 * One complete state of one machine's store. Immutable. For each id, the newest segment that has a row of it
 * (the last in the list) holds its whole state; together the segments hold every id of the store.
 */
export interface Manifest extends StoreDigests {
  readonly snapshotId: string;
  readonly machine: string;
  readonly kind: SnapshotKind;
  /** Milliseconds since the epoch by the clock of the machine: for people, never to decide what is newer. */
  readonly createdAt: number;
  /** The machine's local change sequence that the snapshot includes. Means something to that machine only. */
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
  /** What the place of the manifest says; a manifest that was moved there is refused. */
  readonly machine: string;
  readonly snapshotId: string;
  /** Segments of encrypted repositories have content keys, and only they. */
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
