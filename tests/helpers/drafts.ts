import type { MemoryDraft } from '../../src/memory/memory.ts';

/** A draft with nothing but a text, and what else is given. */
export function draft(text: string, rest: Partial<MemoryDraft> = {}): MemoryDraft {
  return { text, tags: [], source: '', metadata: {}, ...rest };
}
