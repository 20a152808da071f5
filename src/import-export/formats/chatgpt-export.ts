import { InvalidInputError } from '../../errors/input-errors.ts';
import { namedUuid } from '../../util/uuid.ts';
import { type Converted, type Entry, memoryOf, readDocument } from '../entries.ts';
import { isOfChatGpt } from './claude-export.ts';
import {
  type ArchiveSource,
  type ImportFormat,
  type ImportItem,
  onlyArchive,
  type ReadOptions,
  readMember,
} from './import-format.ts';

const NAME = 'chatgpt-export';
const SOURCE = 'chatgpt.com';

/** The saved memories in a data export of ChatGPT, where it has a list of them. */
export const chatGptExport: ImportFormat = {
  name: NAME,
  title: 'a data export of ChatGPT (zip or folder) with a list of memories',
  recognizes: ({ paths }) => paths.some(isOfChatGpt),
  joinsSameText: true,
  read: (source, options) => readArchive(onlyArchive(source, NAME), options),
};

async function* readArchive({ archive }: ArchiveSource, options: ReadOptions): AsyncGenerator<ImportItem> {
  const files = archive.entries.filter(({ path }) => /(^|\/)(user_|saved_)?memor(y|ies)\.json$/.test(path));
  if (files.length === 0) {
    throw new InvalidInputError(
      'export',
      'has no list of memories, only conversations',
      'allowed is an export with memories.json; or copy the saved memories from the settings of ChatGPT into lines such as {"text":"…"}',
    );
  }
  for (const file of files) {
    const document = { bytes: archive.read(file), file: file.path, convert: convertSaved };
    yield* readMember(file, () => readDocument(document, options));
  }
}

function convertSaved({ number, value }: Entry): Converted[] {
  if (number === 0) return [];
  const { id, created_timestamp: created, updated_timestamp: updated, ...others } = value;
  const fields = {
    ...others,
    id,
    created_at: value['created_at'] ?? created,
    updated_at: value['updated_at'] ?? updated,
  };
  const own = typeof id === 'string' && id !== '' ? { id: namedUuid([NAME, id]) } : {};
  return [memoryOf(fields, { ...own, source: SOURCE })];
}
