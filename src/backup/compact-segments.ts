import { isMostlySuperseded, planMerges, planRewrites } from './compaction.ts';
import type { SegmentEntry } from './manifest.ts';
import { newestRows, type SegmentSet } from './newest-rows.ts';
import type { SegmentWriter } from './segment.ts';

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
