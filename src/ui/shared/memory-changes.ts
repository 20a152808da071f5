import type { Memory, Version } from './types.ts';
import { parseTags } from './words.ts';

/** What a person writes of a memory. */
export interface MemoryFields {
  readonly text: string;
  readonly tags: readonly string[];
  readonly source: string;
}

/** The fields of a PATCH; what is absent stays as it is, whoever changed it last. */
export interface MemoryChanges {
  readonly text?: string;
  readonly tags?: readonly string[];
  readonly add_tags?: readonly string[];
  readonly remove_tags?: readonly string[];
  readonly source?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** What somebody changed who saw the memory as it was before; the rest may have changed meanwhile. */
export function changesBetween(before: Partial<MemoryFields>, after: MemoryFields): MemoryChanges {
  const { text = '', tags = [], source = '' } = before;
  // A tag with a comma is shown as several, and stays as long as all of them do.
  const kept = tags.filter((tag) => parseTags(tag).every((part) => after.tags.includes(part)));
  const keptParts = kept.flatMap(parseTags);
  const added = after.tags.filter((tag) => !keptParts.includes(tag));
  const removed = tags.filter((tag) => !kept.includes(tag));
  return {
    ...(after.text === text ? {} : { text: after.text }),
    ...(added.length === 0 ? {} : { add_tags: added }),
    ...(removed.length === 0 ? {} : { remove_tags: removed }),
    ...(after.source === source ? {} : { source: after.source }),
  };
}

/** What makes a memory equal to one of its versions. */
export function changesTo(
  { text, tags = [], source = '', metadata = {} }: Pick<Version, 'text' | 'tags' | 'source' | 'metadata'>,
  now: Pick<Memory, 'metadata'>,
): MemoryChanges {
  // Members are merged, and null removes one.
  const gone = Object.keys(now.metadata ?? {}).map((name) => [name, null] as const);
  return { text, tags, source, metadata: { ...Object.fromEntries(gone), ...metadata } };
}
