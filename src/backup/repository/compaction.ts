import type { SegmentEntry } from '../format/manifest.ts';
import type { SegmentWriter } from '../format/segment.ts';
import { newestRows, type SegmentSet } from './newest-rows.ts';

/** The sizes of a segment that the plan depends on. */
export interface SegmentSize {
  readonly plainBytes: number;
  readonly rows: number;
}

/** Neighbouring segments to merge: indexes `from` (included) to `to` (excluded). */
export interface MergeGroup {
  readonly from: number;
  readonly to: number;
}

/** Segments above this size are big. A big segment is only written again when many of its rows are superseded. */
export const BIG_SEGMENT_BYTES = 8 * 1024 * 1024;
const SMALLEST_LEVEL_BYTES = 4 * 1024;
/** This many neighbours of one level are merged, and each level is this many times as large as the one below. */
const FAN = 8;
const BIG = Number.POSITIVE_INFINITY;

/**
 * Chooses the neighbouring segments to merge after a segment was added at the end. The groups are disjoint and in
 * order. Each has at least `FAN` segments, none of them big.
 *
 * Each level is 8 times as large as the one below. A segment's level is at least that of every newer segment up to
 * the next big one, so that small segments between larger ones are merged too. Eight neighbours of one level are
 * merged. When the result is the eighth segment of the next level, both merges become one group.
 *
 * Cost: each byte is written again once a level in the usual case, and at most 8 times. There are 5 levels below the
 * big segments. So a change costs O(change · log n) bytes, and at most 7 segments of a level stay between two big
 * segments.
 */
export function planMerges(segments: readonly SegmentSize[]): MergeGroup[] {
  let parts: Part[] = segments.map((segment, index) => ({
    from: index,
    to: index + 1,
    bytes: segment.plainBytes,
  }));
  for (let run = findRun(parts); run !== null; run = findRun(parts)) {
    const merged = parts.slice(run.from, run.to);
    const first = merged[0]?.from ?? 0;
    const whole = { from: first, to: first, bytes: 0 };
    for (const part of merged) {
      whole.to = part.to;
      whole.bytes += part.bytes;
    }
    parts = [...parts.slice(0, run.from), whole, ...parts.slice(run.to)];
  }
  return parts.filter(({ from, to }) => to - from > 1).map(({ from, to }) => ({ from, to }));
}

interface Part extends MergeGroup {
  readonly bytes: number;
}

/** The newest run of at least `FAN` neighbours of one level; null when there is none. */
function findRun(parts: readonly Part[]): MergeGroup | null {
  let level = 0;
  let end = parts.length;
  for (let index = parts.length - 1; index >= 0; index -= 1) {
    const own = levelOf(parts[index]?.bytes ?? 0);
    if (own === BIG) {
      if (end - (index + 1) >= FAN) return { from: index + 1, to: end };
      level = 0;
      end = index;
    } else if (own > level) {
      if (end - (index + 1) >= FAN) return { from: index + 1, to: end };
      level = own;
      end = index + 1;
    }
  }
  return end >= FAN ? { from: 0, to: end } : null;
}

function levelOf(bytes: number): number {
  if (bytes > BIG_SEGMENT_BYTES) return BIG;
  return Math.max(0, Math.ceil(Math.log2(bytes / SMALLEST_LEVEL_BYTES) / Math.log2(FAN)));
}

/**
 * True when newer rows supersede more than half of all rows. Only then is it worth reading all segments to count the
 * superseded rows of each.
 * @param memories number of ids in the store
 */
export function isMostlySuperseded(segments: readonly SegmentSize[], memories: number): boolean {
  return segments.reduce((sum, { rows }) => sum + rows, 0) > 2 * memories;
}

/**
 * Chooses the segments to write again without their superseded rows: those that lose more than a quarter.
 *
 * Afterwards at most a quarter of the rows is superseded, so `isMostlySuperseded` is true again only after about a
 * quarter of the store was changed. Removing one superseded row costs fewer than three written rows. So reading and
 * writing both cost O(1) a change.
 * @param superseded number of superseded rows for each segment
 */
export function planRewrites(segments: readonly SegmentSize[], superseded: readonly number[]): number[] {
  return segments.flatMap(({ rows }, index) => ((superseded[index] ?? 0) * 4 > rows ? [index] : []));
}

export interface CompactionRequest extends SegmentSet {
  /** Number of ids in the store. */
  readonly memories: number;
  /** Creates a writer for one group of new segments. */
  readonly createWriter: () => SegmentWriter;
}

/**
 * Reduces the number of segments without changing the newest row of any id: merges small neighbours, and leaves out
 * superseded rows where they are many. Memory: that of `newestRows` plus one new segment.
 * @returns all segments, oldest first; unchanged entries are the same objects as before
 */
export async function compactSegments(request: CompactionRequest): Promise<readonly SegmentEntry[]> {
  const merged = await mergeNeighbours(request);
  if (!isMostlySuperseded(merged, request.memories)) return merged;
  return rewriteSuperseded({ ...request, segments: merged });
}

async function mergeNeighbours(request: CompactionRequest): Promise<readonly SegmentEntry[]> {
  const { segments } = request;
  const result: SegmentEntry[] = [];
  let end = 0;
  for (const { from, to } of planMerges(segments)) {
    result.push(...segments.slice(end, from));
    const writer = request.createWriter();
    for await (const { line } of newestRows({ ...request, segments: segments.slice(from, to) })) {
      await writer.add(line);
    }
    result.push(...(await writer.finish()));
    end = to;
  }
  return [...result, ...segments.slice(end)];
}

/** Reads all rows twice: first to count them, then to copy those of the segments that the counts select. */
async function rewriteSuperseded(request: CompactionRequest): Promise<readonly SegmentEntry[]> {
  const superseded = request.segments.map(({ rows }) => rows);
  for await (const { segment } of newestRows(request)) {
    superseded[segment] = (superseded[segment] ?? 0) - 1;
  }
  const rewrite = new Set(planRewrites(request.segments, superseded));
  if (rewrite.size === 0) return request.segments;
  const replacements = new Map<number, readonly SegmentEntry[]>([...rewrite].map((index) => [index, []]));
  let writer = request.createWriter();
  let writing = -1;
  for await (const { line, segment } of newestRows(request)) {
    if (!rewrite.has(segment)) continue;
    if (segment !== writing) {
      replacements.set(writing, await writer.finish());
      writer = request.createWriter();
      writing = segment;
    }
    await writer.add(line);
  }
  replacements.set(writing, await writer.finish());
  return request.segments.flatMap((entry, index) => replacements.get(index) ?? [entry]);
}
