import type { MemoryPatch } from './memory.ts';
import { compareText, type JsonValue, type MemoryContent } from './version.ts';

/** The content after a patch; times are the caller's business. */
export function applyPatch(content: MemoryContent, patch: MemoryPatch): MemoryContent {
  return {
    ...content,
    text: patch.text ?? content.text,
    tags: patchTags(patch.tags ?? content.tags, patch),
    source: patch.source ?? content.source,
    metadata: patchMetadata(patch.metadata ?? content.metadata, patch),
  };
}

function patchTags(tags: readonly string[], patch: MemoryPatch): readonly string[] {
  const removed = new Set(patch.removeTags ?? []);
  const kept = [...tags, ...(patch.addTags ?? [])].filter((tag) => !removed.has(tag));
  return [...new Set(kept)].sort(compareText);
}

function patchMetadata(metadata: MemoryContent['metadata'], patch: MemoryPatch): MemoryContent['metadata'] {
  if (patch.mergeMetadata === undefined) return metadata;
  const merged: [string, JsonValue][] = Object.entries({ ...metadata, ...patch.mergeMetadata });
  return Object.fromEntries(merged.filter(([, value]) => value !== null));
}
