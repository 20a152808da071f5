import type { Memory } from '../memory/memory.ts';
import { visibleJson } from '../util/visible-text.ts';

/** Marks the first and the last line of an export. */
export const EXPORT_FORMAT = 'faiss-memory-export';
export const EXPORT_VERSION = 1;

/** First line of an export. `version` increases only when older programs would misread the lines. */
interface ExportHeader {
  readonly format: typeof EXPORT_FORMAT;
  readonly version: number;
  /** Time of the export: ISO 8601, UTC. */
  readonly exported_at: string;
}

/** Last line of an export. An export without it is incomplete. */
interface ExportFooter {
  readonly format: typeof EXPORT_FORMAT;
  readonly end: true;
  /** Number of memories in the file. */
  readonly count: number;
}

/** The line of one memory. Times are ISO 8601, UTC, with milliseconds. */
export interface ExportedMemory extends Pick<Memory, 'id' | 'text' | 'tags' | 'source' | 'metadata'> {
  readonly created_at: string;
  readonly updated_at: string;
}

/** A memory, or a version of one, as a line has it. */
export function exportedMemory(
  memory: Pick<Memory, 'id' | 'text' | 'tags' | 'source' | 'metadata' | 'createdAt' | 'updatedAt'>,
): ExportedMemory {
  return {
    id: memory.id,
    text: memory.text,
    tags: memory.tags,
    source: memory.source,
    metadata: memory.metadata,
    created_at: new Date(memory.createdAt).toISOString(),
    updated_at: new Date(memory.updatedAt).toISOString(),
  };
}

export interface ExportTarget {
  /** Receives whole lines. The next call comes after the promise has resolved. */
  readonly write: (chunk: string) => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly exportedAt: number;
  /** Called after each batch with the number of memories written so far. */
  readonly onProgress?: (count: number) => void;
}

/**
 * Writes memories as JSON lines in the order of the input. Holds one batch in memory at a time.
 * @returns number of memories written
 */
export async function exportJsonLines(
  memories: AsyncIterable<readonly Memory[]>,
  target: ExportTarget,
): Promise<number> {
  const header: ExportHeader = {
    format: EXPORT_FORMAT,
    version: EXPORT_VERSION,
    exported_at: new Date(target.exportedAt).toISOString(),
  };
  await target.write(line(header));
  let count = 0;
  for await (const batch of memories) {
    if (batch.length === 0) continue;
    await target.write(batch.map((memory) => line(exportedMemory(memory))).join(''));
    count += batch.length;
    target.onProgress?.(count);
  }
  const footer: ExportFooter = { format: EXPORT_FORMAT, end: true, count };
  await target.write(line(footer));
  return count;
}

function line(value: object): string {
  return `${visibleJson(value)}\n`;
}
