import { InvalidInputError } from '../../errors/input-errors.ts';
import { namedUuid } from '../../util/uuid.ts';
import { type Converted, type Entry, memoryOf, readDocument } from '../entries.ts';
import { isChatGptConversation, isConversations, turnsOfChatGpt } from './chatgpt-conversations.ts';
import { isOfChatGpt } from './claude-export.ts';
import {
  type ArchiveSource,
  type ImportFormat,
  type ImportItem,
  type ReadOptions,
  readMember,
} from './import-format.ts';

const NAME = 'chatgpt-export';
const SOURCE = 'chatgpt.com';

/**
 * A data export of ChatGPT: the conversations, and the saved memories where it has a list of them. Large exports have
 * several files of conversations.
 */
export const chatGptExport: ImportFormat = {
  name: NAME,
  title: 'a data export of ChatGPT (zip or folder), or its conversations.json',
  recognizes: ({ kind, paths, text, first }) =>
    kind === 'archive'
      ? paths.some(isOfChatGpt)
      : isChatGptConversation(first('')) || /^\uFEFF?\s*\[\s*\{[^]*"mapping"\s*:\s*\{/.test(text),
  joinsSameText: true,
  read: (source, options) =>
    source.kind === 'archive'
      ? readArchive(source, options)
      : readDocument({ bytes: source.bytes, convert: convertConversation }, options),
};

async function* readArchive({ archive }: ArchiveSource, options: ReadOptions): AsyncGenerator<ImportItem> {
  const saved = archive.entries.filter(({ path }) => /(^|\/)(user_|saved_)?memor(y|ies)\.json$/.test(path));
  const conversations = archive.entries.filter(({ path }) => isConversations(path));
  if (saved.length + conversations.length === 0) {
    throw new InvalidInputError(
      'export',
      'has neither conversations nor memories',
      'allowed is an export with conversations.json or memories.json',
    );
  }
  for (const file of [...saved, ...conversations]) {
    const convert = conversations.includes(file) ? convertConversation : convertSaved;
    const document = { bytes: archive.read(file), file: file.path, convert };
    yield* readMember(file, () => readDocument(document, options));
  }
}

function* convertConversation(entry: Entry): Generator<Converted> {
  if (entry.number === 0) return;
  if (isChatGptConversation(entry.value)) yield* turnsOfChatGpt(entry);
  else yield { kind: 'noted', note: 'an entry that is no conversation' };
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
