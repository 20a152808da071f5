import {
  type VersionVector,
  compareText,
  type Dot,
  type JsonValue,
  type MemoryContent,
  type Version,
} from './version.ts';

/** A memory as stores return it: its current version, with what surrounds it. */
export interface Memory extends MemoryContent {
  /** UUIDv7. */
  readonly id: string;
  readonly state: Version['state'];
  readonly dot: Dot;
  /** Number of versions this store knows, the current one included. */
  readonly versionCount: number;
  /** True when siblings with different content wait for a choice. */
  readonly conflict: boolean;
}

/** One version in the history of a memory. */
export interface HistoryEntry extends Version {
  /** current: what is shown. sibling: a conflict copy. replaced: an older version. */
  readonly role: 'current' | 'sibling' | 'replaced';
}

export interface MemoryWithHistory extends Memory {
  /** Newest first, the current version first of all. */
  readonly history: readonly HistoryEntry[];
}

/** Content of a memory to be written; the store sets the times where they are absent. */
export interface MemoryDraft {
  /** Only imports and restores set it. */
  readonly id?: string;
  readonly text: string;
  readonly tags: readonly string[];
  readonly source: string;
  readonly metadata: MemoryContent['metadata'];
  readonly createdAt?: number;
  readonly updatedAt?: number;
}

/** Changes to a memory, applied to what it is at the moment of writing; an absent field stays as it is. */
export interface MemoryPatch {
  readonly text?: string;
  /** Replaces all tags; `addTags` and `removeTags` come after. */
  readonly tags?: readonly string[];
  readonly addTags?: readonly string[];
  readonly removeTags?: readonly string[];
  readonly source?: string;
  /** Replaces all metadata. */
  readonly metadata?: MemoryContent['metadata'];
  /** Members to set; a member with the value null is removed. */
  readonly mergeMetadata?: MemoryContent['metadata'];
}

/** Fingerprint of a whole store. Equal `stateDigest` on two machines = converged. */
export interface StoreDigests {
  readonly clock: VersionVector;
  /** 64 hex digits over the live memories' user-visible fields. */
  readonly contentDigest: string;
  /** 64 hex digits over ids, sibling dots and the clock. */
  readonly stateDigest: string;
}

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
