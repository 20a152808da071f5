import type { Memory } from '../memory/memory.ts';

/** Marks the first and the last line of an export. */
export const EXPORT_FORMAT = 'faiss-memory-export';
export const EXPORT_VERSION = 1;

/** First line. `version` grows only when older programs would misread the lines. */
export interface ExportHeader {
  readonly format: typeof EXPORT_FORMAT;
  readonly version: number;
  /** ISO 8601, UTC. */
  readonly exported_at: string;
}

/** Last line; without it an export is not complete. */
export interface ExportFooter {
  readonly format: typeof EXPORT_FORMAT;
  readonly end: true;
  /** Memories in the file. */
  readonly count: number;
}

/** One line per memory. Times are ISO 8601, UTC, with milliseconds. */
export interface ExportedMemory extends Pick<Memory, 'id' | 'text' | 'tags' | 'source' | 'metadata'> {
  readonly created_at: string;
  readonly updated_at: string;
}

export function exportedMemory(memory: Memory): ExportedMemory {
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
