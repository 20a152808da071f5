import { type Stated, statedChanges, statedIn } from './stated.ts';
import type { Memory, Version } from './types.ts';
import { parseTags } from './words.ts';

/** The fields of a memory that a user can edit. */
export interface MemoryFields {
  readonly text: string;
  readonly tags: readonly string[];
  readonly source: string;
  readonly stated?: Stated;
}

/** The body of a PATCH. Absent fields do not change. */
export interface MemoryChanges {
  readonly text?: string;
  readonly tags?: readonly string[];
  readonly add_tags?: readonly string[];
  readonly remove_tags?: readonly string[];
  readonly source?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly project?: string;
  readonly occurred_at?: string;
  readonly expires?: string;
  readonly pinned?: boolean;
}

/** The memory that the form shows at first. */
export type Shown = Partial<Omit<MemoryFields, 'stated'>> & Pick<Memory, 'metadata'>;

/** The user's own changes since `before`. Other fields are left out, because another program may have changed them. */
export function changesBetween(before: Shown, after: MemoryFields): MemoryChanges {
  const { text = '', tags = [], source = '' } = before;
  // The form shows a tag with a comma as several tags. It is kept as long as all of them are kept.
  const kept = tags.filter((tag) => parseTags(tag).every((part) => after.tags.includes(part)));
  const keptParts = kept.flatMap(parseTags);
  const added = after.tags.filter((tag) => !keptParts.includes(tag));
  const removed = tags.filter((tag) => !kept.includes(tag));
  return {
    ...(after.text === text ? {} : { text: after.text }),
    ...(added.length === 0 ? {} : { add_tags: added }),
    ...(removed.length === 0 ? {} : { remove_tags: removed }),
    ...(after.source === source ? {} : { source: after.source }),
    ...(after.stated === undefined ? {} : statedChanges(statedIn(before.metadata), after.stated)),
  };
}

/** The changes that make a memory equal to one of its versions. */
export function changesTo(
  { text, tags = [], source = '', metadata = {} }: Pick<Version, 'text' | 'tags' | 'source' | 'metadata'>,
  now: Pick<Memory, 'metadata'>,
): MemoryChanges {
  // The server merges members of the metadata. Null removes one.
  const gone = Object.keys(now.metadata ?? {}).map((name) => [name, null] as const);
  return { text, tags, source, metadata: { ...Object.fromEntries(gone), ...metadata } };
}
