import type { EmbeddingModelId } from '../embedding/embedder.ts';
import type { StoreDigests } from '../memory/memory.ts';
import type { Version } from '../memory/version.ts';
import type { Commit, SeenCommit } from './format/head.ts';
import type { SnapshotFacts } from './format/manifest.ts';

/** One embedded piece of a text. */
export interface CarriedChunk {
  /** UTF-16 offsets into the version's text. */
  readonly start: number;
  readonly end: number;
  /** As stored: 4 bytes float32 scale (little endian), then one int8 a dimension. */
  readonly vector: Uint8Array;
}

/** The vectors that one model made of one version, in the order of the text. */
export interface CarriedVectors {
  readonly modelId: EmbeddingModelId;
  readonly chunks: readonly CarriedChunk[];
}

/** A version with what travels with it. Vectors are derived data: a reader may drop them and embed again. */
export interface CarriedVersion extends Version {
  /** At most one entry a model; empty for stripped and purged versions. */
  readonly vectors: readonly CarriedVectors[];
}

/** Everything that stores exchange about one memory: the versions that no known version replaces, at least one. */
export interface MemoryState {
  /** UUID in lower case. */
  readonly id: string;
  readonly siblings: readonly CarriedVersion[];
}

export type { SeenCommit, SnapshotFacts };

/**
 * What a local store offers to those who back it up. One view at a time is enough; any number of processes may
 * write meanwhile without waiting for it.
 */
export interface SnapshotSource {
  /** @throws the store's own errors */
  openView(): Promise<SnapshotView>;
}

/**
 * The store as it was at one moment (one read transaction): everything below belongs to that moment, whatever
 * is written meanwhile. Close it soon; an open view keeps the write-ahead log from shrinking.
 */
export interface SnapshotView extends StoreDigests {
  /** 16 hex digits. */
  readonly machine: string;
  /** Of the newest change that the view includes; changes of the clock alone do not count it up. */
  readonly sequence: number;
  readonly facts: SnapshotFacts;
  /**
   * The whole present state of every memory whose last change (a write, merge, strip, purge, or new vectors) came
   * after the given sequence number, each once, in any order; 0 = every memory. Must not read ahead without
   * bound. Versions that were stripped or purged have no content and no vectors.
   */
  changesSince(sequence: number): AsyncIterable<MemoryState>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** A commit of this data folder's own. */
export interface OwnCommit extends Commit {
  /** True when the head that it wrote was encrypted. */
  readonly sealed: boolean;
}

/**
 * What a data folder remembers about heads, beside its memories and with the same durability, so that a copy or
 * an older copy of the folder is noticed. A `place` names a repository: the local one, or one remote.
 */
export interface HeadJournal {
  /**
   * Remembers a commit of our own for ever. Durable when it resolves, which is before the head is written:
   * a crash in between must not make our own head look like somebody else's.
   */
  recordAttempt(repositoryId: string, commit: OwnCommit): Promise<void>;
  /** A commit that this data folder made at that place, or null: then somebody else made it. */
  findAttempt(repositoryId: string, commitId: string): Promise<OwnCommit | null>;
  /** The newest head that was seen for that machine (its own included) at that place. */
  recordSeen(repositoryId: string, machine: string, commit: SeenCommit): Promise<void>;
  findSeen(repositoryId: string, machine: string): Promise<SeenCommit | null>;
}

/**
 * One at a time works on the backups of a data folder: backup, push, merge, restore, prune. The lock dies with its
 * process, however that ends. Memory writes never wait for it.
 */
export interface WorkLock {
  /**
   * Not re-entrant.
   * @param waitMs how long to wait for another holder, in this process or another; 0 = try once
   * @throws BackupBusyError when it is still held then
   */
  run<Result>(work: () => Promise<Result>, waitMs: number): Promise<Result>;
}
