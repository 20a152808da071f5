import { MAX_JSON_DEPTH, MAX_METADATA_LENGTH, MAX_SOURCE_LENGTH, MAX_TAG_LENGTH, MAX_TAGS } from './input.ts';
import type { MemoryContent, Metadata } from './version.ts';

/**
 * A memory as answers show it, cut to the limits of this machine's input. Another machine may have written a larger
 * memory under larger limits; the store, exports and backups keep it whole.
 * @param textLimit longest text that this machine accepts, in UTF-16 code units
 * @returns the same object when no part is too large
 */
export function shownMemory<Content extends MemoryContent>(content: Content, textLimit: number): Content {
  if (largePart(content, textLimit) === null) return content;
  const { text, tags, source, metadata } = content;
  return {
    ...content,
    text: cut(text, textLimit, 'characters; "faiss-memory export" has all of it'),
    tags: tags.slice(0, MAX_TAGS).map((tag) => cut(tag, MAX_TAG_LENGTH, 'characters')),
    source: cut(source, MAX_SOURCE_LENGTH, 'characters'),
    metadata: isLargeMetadata(metadata) ? { cut: describeMetadata(metadata) } : metadata,
  };
}

/** Names the first part of a memory that is over the input limits, with its size; null = no part is. */
export function largePart({ text, tags, source, metadata }: MemoryContent, textLimit: number): string | null {
  if (text.length > textLimit) return `a text of ${text.length} characters, more than ${textLimit}`;
  if (tags.length > MAX_TAGS) return `${tags.length} tags, more than ${MAX_TAGS}`;
  const tag = tags.find(({ length }) => length > MAX_TAG_LENGTH);
  if (tag !== undefined) return `a tag of ${tag.length} characters, more than ${MAX_TAG_LENGTH}`;
  if (source.length > MAX_SOURCE_LENGTH) {
    return `a source of ${source.length} characters, more than ${MAX_SOURCE_LENGTH}`;
  }
  return isLargeMetadata(metadata) ? describeMetadata(metadata) : null;
}

function cut(text: string, limit: number, what: string): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, limit).toWellFormed()}… [cut: ${text.length} ${what}]`;
}

function isLargeMetadata(metadata: Metadata): boolean {
  return Object.keys(metadata).length > 0 && (isDeep(metadata) || lengthOf(metadata) > MAX_METADATA_LENGTH);
}

function describeMetadata(metadata: Metadata): string {
  return isDeep(metadata)
    ? `metadata nested deeper than ${MAX_JSON_DEPTH} levels`
    : `metadata of ${lengthOf(metadata)} characters as JSON, more than ${MAX_METADATA_LENGTH}`;
}

function lengthOf(metadata: Metadata): number {
  return JSON.stringify(metadata).length;
}

/** Counts levels like `checkMetadata`: a top-level value is at level 0. */
function isDeep(value: unknown, depth = -1): boolean {
  if (depth > MAX_JSON_DEPTH) return true;
  if (value === null || typeof value !== 'object') return false;
  return Object.values(value).some((member) => isDeep(member, depth + 1));
}
