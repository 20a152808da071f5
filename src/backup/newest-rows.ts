import { IdSet } from './id-set.ts';
import type { SegmentEntry } from './manifest.ts';
import { decodeSegment, type SegmentRow } from './segment.ts';

/** Segments to read and how to get their stored bytes. */
export interface SegmentSet {
  readonly machine: string;
  /** Oldest first. */
  readonly segments: readonly SegmentEntry[];
  /** Stored bytes, of the right size and hash. */
  readonly read: (entry: SegmentEntry) => Promise<Uint8Array>;
}

export interface NewestRow extends SegmentRow {
  /** Index of its segment in `SegmentSet.segments`. */
  readonly segment: number;
}

/**
 * For each id the newest row, each once; newest segment first. Memory: two segments' stored bytes (the next one
 * is fetched ahead), one decompressed, and 32 to 64 bytes for each id.
 * @throws as `SegmentSet.read` and `decodeSegment`, possibly after some rows
 */
export async function* newestRows({ machine, segments, read }: SegmentSet): AsyncGenerator<NewestRow> {
  const seen = new IdSet();
  const newestFirst = segments.map((entry, segment) => ({ entry, segment })).reverse();
  let ahead = fetchAhead(newestFirst[0]?.entry, read);
  for (const [position, { entry, segment }] of newestFirst.entries()) {
    const stored = await ahead;
    ahead = fetchAhead(newestFirst[position + 1]?.entry, read);
    if (stored === undefined) return;
    for await (const row of decodeSegment(stored, entry, machine)) {
      if (seen.add(row.state.id)) yield { ...row, segment };
    }
  }
}

function fetchAhead(
  entry: SegmentEntry | undefined,
  read: SegmentSet['read'],
): Promise<Uint8Array | undefined> {
  if (entry === undefined) return Promise.resolve(undefined);
  const pending = read(entry);
  // Whoever stops reading early never awaits it; a failure must not count as unhandled then.
  pending.catch(() => undefined);
  return pending;
}
