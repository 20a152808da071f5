import type { Memory } from '../memory/memory.ts';
import type { Metadata } from '../memory/version.ts';

/** A memory in the JSON output of every command. Times are ISO 8601, UTC. */
export interface MemoryData {
  readonly id: string;
  readonly text: string;
  readonly tags: readonly string[];
  readonly source: string;
  readonly metadata: Metadata;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly state: Memory['state'];
  readonly versions: number;
  readonly conflict: boolean;
}

export function memoryData(memory: Memory): MemoryData {
  const { id, text, tags, source, metadata, state, conflict } = memory;
  return {
    id,
    text,
    tags,
    source,
    metadata,
    createdAt: new Date(memory.createdAt).toISOString(),
    updatedAt: new Date(memory.updatedAt).toISOString(),
    state,
    versions: memory.versionCount,
    conflict,
  };
}
