import type { EmbeddingModelId } from '../embedding/embedder.ts';
import type { StoreDigests } from '../memory/memory.ts';
import type { JsonValue, Version } from '../memory/version.ts';
import type { Commit, SeenCommit } from './format/head.ts';
import type { SnapshotFacts } from './format/manifest.ts';

/** One embedded piece of a text. */
export interface CarriedChunk {
  /** UTF-16 offsets into the version's text. */
  readonly start: number;
  readonly end: number;
  /** The stored bytes: a float32 scale (4 bytes, little endian), then one int8 for each dimension. */
  readonly vector: Uint8Array;
}

/** The vectors that one model made of one version, in the order of the text. */
export interface CarriedVectors {
  readonly modelId: EmbeddingModelId;
  readonly chunks: readonly CarriedChunk[];
}

/** A version together with its vectors. Vectors are derived data: a reader may drop them and embed the text again. */
export interface CarriedVersion extends Version {
  /** At most one entry for each model. Empty for stripped and purged versions. */
  readonly vectors: readonly CarriedVectors[];
}

/** The whole state of one memory: all versions that no known version replaces, at least one. */
export interface MemoryState {
  /** UUID in lower case. */
  readonly id: string;
  readonly siblings: readonly CarriedVersion[];
}

export type { SeenCommit, SnapshotFacts };

/**
 * The part of a local store that a backup reads. Only one view is open at a time; other processes can write
 * meanwhile without waiting.
 */
export interface SnapshotSource {
  /** @throws the store's own errors */
  openView(): Promise<SnapshotView>;
}

/**
 * The store at one moment (one read transaction). Later writes do not appear in it. Close it soon: an open view
 * keeps the write-ahead log from shrinking.
 */
export interface SnapshotView extends StoreDigests {
  /** 16 hex digits. */
  readonly machine: string;
  /** Number of the newest change in the view. A change of the version vector alone does not increase it. */
  readonly sequence: number;
  readonly facts: SnapshotFacts;
  /**
   * Yields the whole state of every memory whose last change (a write, merge, strip, purge, or new vectors) has a
   * number above `sequence`. Each memory comes once, in any order; 0 yields all. The implementation must bound how
   * far it reads ahead. Stripped and purged versions have no content and no vectors.
   */
  changesSince(sequence: number): AsyncIterable<MemoryState>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** A commit that this data folder made. */
export interface OwnCommit extends Commit {
  /** True when the head was written encrypted. */
  readonly sealed: boolean;
}

/**
 * A data folder's record of heads, stored beside the memories with the same durability. It reveals that the folder
 * was copied or set back. `repositoryId` names the local repository or one remote.
 */
export interface HeadJournal {
  /**
   * Records a commit of this data folder for ever. The record must be durable before the head is written; otherwise
   * a crash between the two would make the own head look like another writer's.
   */
  recordAttempt(repositoryId: string, commit: OwnCommit): Promise<void>;
  /** The commit, or null when this data folder did not make it in that repository. */
  findAttempt(repositoryId: string, commitId: string): Promise<OwnCommit | null>;
  /** Records the newest head of a machine, possibly this one, that was seen in that repository. */
  recordSeen(repositoryId: string, machine: string, commit: SeenCommit): Promise<void>;
  findSeen(repositoryId: string, machine: string): Promise<SeenCommit | null>;
  /** A small fact under a name, for example when a remote was last reached; null when there is none. */
  readNote(name: string): Promise<JsonValue | null>;
  /** Durable when the promise resolves. The value null removes the note. */
  writeNote(name: string, value: JsonValue | null): Promise<void>;
}

/**
 * Lets one caller at a time work on the backups of a data folder: backup, push, merge, restore, prune. The lock ends
 * with its process, even after a crash. Writes of memories never wait for it.
 */
export interface WorkLock {
  /**
   * Runs the work under the lock. Not re-entrant.
   * @param waitMs how long to wait for another holder, in this process or another; 0 = try once
   * @throws BackupBusyError when another holder still has the lock after `waitMs`
   */
  run<Result>(work: () => Promise<Result>, waitMs: number): Promise<Result>;
}
