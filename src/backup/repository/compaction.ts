import type { SegmentEntry } from '../format/manifest.ts';
import type { SegmentWriter } from '../format/segment.ts';
import { newestRows, type SegmentSet } from './newest-rows.ts';

/** What planning needs to know of a segment. */
export interface SegmentSize {
  readonly plainBytes: number;
  readonly rows: number;
}

/** Neighbours to be merged: segments `from` (included) to `to` (excluded). */
export interface MergeGroup {
  readonly from: number;
  readonly to: number;
}

/** Segments above this are big: they are only written again when much of them is superseded. */
export const BIG_SEGMENT_BYTES = 8 * 1024 * 1024;
const SMALLEST_LEVEL_BYTES = 4 * 1024;
/** So many neighbours of one level make one of the next, and a level is so many times the one below. */
const FAN = 8;
const BIG = Number.POSITIVE_INFINITY;

/**
 * Which neighbouring segments to merge after one was added at the end. Groups are disjoint and in order, each
 * of at least `FAN` segments, none of them big.
 *
 * Levels grow by a factor of 8 in size. A segment counts as at least as high as every newer one up to the next
 * big one, so that small ones cannot hide between larger ones. Eight neighbours of one level are merged; what
 * comes out may be the eighth of the next level, which then takes all of it in one go.
 *
 * Cost: a merge at a level contains a segment of that level's full size that was not merged at that level
 * before, or eight that leave the level, so a byte is written again at most 8 times a level, once in the usual
 * case; there are 5 levels below the big ones. Hence O(change · log n) bytes, and at most 7 segments a level
 * between two big ones.
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
 * True when over half of all rows are superseded by newer ones, so that counting them segment by segment (which
 * reads everything) is worth it.
 * @param memories number of ids in the store
 */
export function isMostlySuperseded(segments: readonly SegmentSize[], memories: number): boolean {
  return segments.reduce((sum, { rows }) => sum + rows, 0) > 2 * memories;
}

/**
 * Which segments to write again without their superseded rows: those that lose over a quarter.
 *
 * Together with `isMostlySuperseded`: afterwards at most a quarter of the rows is superseded, so the next time
 * comes only after about a quarter of the store was changed; and writing less than three rows removes one that
 * some change left behind. Both reading and writing are O(1) a change.
 * @param superseded number of superseded rows for each segment
 */
export function planRewrites(segments: readonly SegmentSize[], superseded: readonly number[]): number[] {
  return segments.flatMap(({ rows }, index) => ((superseded[index] ?? 0) * 4 > rows ? [index] : []));
}

export interface CompactionRequest extends SegmentSet {
  /** Number of ids in the store. */
  readonly memories: number;
  /** A writer for new segments. */
  readonly createWriter: () => SegmentWriter;
}

/**
 * Segments with the same newest rows, fewer of them: small neighbours merged, and superseded rows left out where
 * they are many. Memory: as `newestRows` plus one new segment.
 * @returns oldest first; those that did not change are the same objects
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

/** Two passes over all rows: one to count, one to copy, since counts decide what to copy. */
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
