import {
  type VersionVector,
  compareText,
  type Dot,
  type JsonValue,
  type MemoryContent,
  type Version,
} from './version.ts';

/** A memory as stores return it: the content of its current version, with its id, state and history count. */
export interface Memory extends MemoryContent {
  /** UUIDv7. */
  readonly id: string;
  readonly state: Version['state'];
  readonly dot: Dot;
  /** Number of versions this store knows, the current one included. */
  readonly versionCount: number;
  /** True when siblings with different content wait for a choice. */
  readonly conflict: boolean;
  /**
   * Present when another machine erased the memory and this one still keeps the content: when that arrived. `dot` then
   * names the erasing write, and the content is that of before.
   */
  readonly hiddenAt?: number;
  /** Present when a live memory says that it replaces this one: its id, of several the newest. */
  readonly supersededBy?: string;
}

/** One version in the history of a memory. */
export interface HistoryEntry extends Version {
  /** current: the version that is shown. sibling: a conflict copy. replaced: an older version. */
  readonly role: 'current' | 'sibling' | 'replaced';
}

export interface MemoryWithHistory extends Memory {
  /** The current version, then the others, newest first. */
  readonly history: readonly HistoryEntry[];
  /** The possible age of the answer, a sentence for people; absent when it is up to date. */
  readonly stale?: string;
}

/** Content of a memory to be written; the store sets the times where they are absent. */
export interface MemoryDraft {
  /** Set by imports and restores only; all other writes get a new UUIDv7. */
  readonly id?: string;
  readonly text: string;
  readonly tags: readonly string[];
  readonly source: string;
  readonly metadata: MemoryContent['metadata'];
  /** Milliseconds since the epoch, as is `updatedAt`. */
  readonly createdAt?: number;
  readonly updatedAt?: number;
}

/** Changes to a memory. The store applies them to the version that is current when it writes; an absent field stays. */
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

/** Fingerprint of a whole store. Two machines with equal `stateDigest` hold the same memories in the same state. */
export interface StoreDigests {
  readonly clock: VersionVector;
  /** 64 hex digits over the live memories' user-visible fields. */
  readonly contentDigest: string;
  /** 64 hex digits over ids, sibling dots and the clock. */
  readonly stateDigest: string;
}

/** Returns the content after a patch, with its times unchanged: the caller sets `updatedAt`. */
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
