import type { ModelStamp } from '../embedding/embedder.ts';
import type { Version } from '../memory/version.ts';

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
  readonly stamp: ModelStamp;
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
