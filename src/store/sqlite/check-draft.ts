import { InvalidInputError } from '../../errors/input-errors.ts';
import type { MemoryDraft } from '../../memory/memory.ts';
import { compareText, type MemoryContent } from '../../memory/version.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The content as it is stored: tags sorted and distinct. @throws InvalidInputError for what no file could keep */
export function checkContent(field: string, content: MemoryContent): MemoryContent {
  const { text, tags, source, metadata, createdAt, updatedAt } = content;
  checkText(`${field}.text`, text);
  for (const tag of tags) checkText(`${field}.tags`, tag);
  checkText(`${field}.source`, source);
  checkTime(`${field}.createdAt`, createdAt);
  checkTime(`${field}.updatedAt`, updatedAt);
  return { text, tags: [...new Set(tags)].sort(compareText), source, metadata, createdAt, updatedAt };
}

/** @throws InvalidInputError */
export function checkDraft(field: string, draft: MemoryDraft, now: number): MemoryContent {
  if (draft.id !== undefined && !UUID.test(draft.id)) {
    throw new InvalidInputError(
      `${field}.id`,
      `is ${JSON.stringify(draft.id)}`,
      'allowed is a UUID in lower case',
    );
  }
  const createdAt = draft.createdAt ?? now;
  const { text, tags, source, metadata, updatedAt = createdAt } = draft;
  return checkContent(field, { text, tags, source, metadata, createdAt, updatedAt });
}

/** SQLite would cut a text at a NUL and change a lone surrogate, both without a word. */
function checkText(field: string, text: string): void {
  if (text.includes('\0') || !text.isWellFormed()) {
    throw new InvalidInputError(
      field,
      'has a NUL character or a lone surrogate',
      'allowed is valid Unicode text without NUL',
    );
  }
}

function checkTime(field: string, time: number): void {
  if (!Number.isSafeInteger(time)) {
    throw new InvalidInputError(field, `is ${time}`, 'allowed are whole milliseconds since the epoch');
  }
}
