import { namedUuid } from '../../util/uuid.ts';
import { type Converted, type Entry, memoryOf, readDocument } from '../entries.ts';
import type { JsonObject } from '../head.ts';
import { type ImportFormat, onlyText } from './import-format.ts';

const NAME = 'mcp-memory-service';

/**
 * The JSON export of mcp-memory-service, and the answers of its HTTP API: an object with the list `memories`. Each has
 * the hash of its content as its identity, so a changed memory is another one there and here.
 */
export const mcpMemoryService: ImportFormat = {
  name: NAME,
  title: 'a JSON export of mcp-memory-service',
  recognizes: ({ first }) => isServiceMemory(first('memories')) || isServiceMemory(first('')),
  joinsSameText: true,
  read: (source, options) =>
    readDocument({ bytes: onlyText(source, NAME).bytes, convert: convertMemory }, options),
};

function isServiceMemory(value: JsonObject | undefined): boolean {
  return typeof value?.['content'] === 'string' && typeof value['content_hash'] === 'string';
}

function convertMemory({ number, value }: Entry): Converted[] {
  // The members beside the list say where and when the export was made.
  if (number === 0) return [];
  const {
    created_at: createdAt,
    created_at_iso: createdIso,
    updated_at: updatedAt,
    updated_at_iso: updatedIso,
    ...others
  } = value;
  const fields = { ...others, created_at: createdAt ?? createdIso, updated_at: updatedAt ?? updatedIso };
  const hash = value['content_hash'];
  const id = typeof hash === 'string' && hash !== '' ? { id: namedUuid([NAME, hash]) } : {};
  return [memoryOf(fields, { ...id, source: NAME })];
}
