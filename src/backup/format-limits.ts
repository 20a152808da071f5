/** Version of the repository format that this program writes, and the newest it reads. */
export const FORMAT_VERSION = 1;

/**
 * Limits of the repository format. A writer stays below them, a reader refuses what is above them before it
 * costs memory. They bound what a hostile or damaged store can make a reader do.
 */
export const MAX_KEY_FILE_BYTES = 64 * 1024;
export const MAX_HEAD_BYTES = 4 * 1024 * 1024;
export const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;

/** A segment ends before the row that would take it over this many bytes of JSON lines. */
export const TARGET_SEGMENT_BYTES = 16 * 1024 * 1024;
/** JSON lines of one segment at most; only a single huge row takes a segment over the target. */
export const MAX_SEGMENT_BYTES = 48 * 1024 * 1024;
/** Stored bytes at most: JSON lines that do not compress, the headers, and 17 bytes for each encrypted frame. */
export const MAX_STORED_BYTES = 56 * 1024 * 1024;

export const MAX_SEGMENTS = 65_536;
export const MAX_SNAPSHOTS = 10_000;
export const MAX_PAST_COMMITS = 4_096;
/** Machines in a clock at most; each clone and each roll-back adds one for ever. */
export const MAX_CLOCK_ENTRIES = 10_000;
export const MAX_SIBLINGS = 1_024;

/** The shortest possible row, so that a row count can be checked against the size before anything is read. */
export const MIN_ROW_BYTES = 100;
