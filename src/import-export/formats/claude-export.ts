import { InvalidInputError } from '../../errors/input-errors.ts';
import { namedUuid } from '../../util/uuid.ts';
import type { Archive } from '../archive.ts';
import { type Converted, type Entry, memoryOf, readDocument, readObject } from '../entries.ts';
import { type Head, type JsonObject, peekText } from '../head.ts';
import { isClaudeConversation, turnsOfClaude } from './claude-conversations.ts';
import { isConversations } from './chatgpt-conversations.ts';
import {
  type ArchiveSource,
  type ImportFormat,
  type ImportItem,
  readMember,
  type ReadOptions,
  type TextSource,
} from './import-format.ts';
import { isObject } from '../../util/json.ts';

const NAME = 'claude-export';
const SOURCE = 'claude.ai';

/**
 * A data export of Claude. The memories are `memories.json`, or a file for each account in the folder `memories`: texts
 * with headings, of which each section becomes a memory. `conversations.json` has the conversations. The names of
 * projects come from `projects`.
 */
export const claudeExport: ImportFormat = {
  name: NAME,
  title: 'a data export of Claude (zip or folder), or its memories.json or conversations.json',
  recognizes: (head) =>
    head.kind === 'archive'
      ? !head.paths.some(isOfChatGpt) && head.paths.some((path) => isMemories(path) || isUsers(path))
      : isClaudeMemory(head.first('')) ||
        head.members.has('conversations_memory') ||
        startsAsConversations(head),
  joinsSameText: true,
  read: (source, options) =>
    source.kind === 'archive' ? readArchive(source, options) : readFile(source, options),
};

function startsAsConversations({ first, text }: Head): boolean {
  return isClaudeConversation(first('')) || /^\uFEFF?\s*\[\s*\{[^]*"chat_messages"\s*:\s*\[/.test(text);
}

async function* readFile({ name, bytes }: TextSource, options: ReadOptions): AsyncGenerator<ImportItem> {
  const start = await peekText({ name, bytes });
  const projects = new Map<string, string>();
  yield* startsAsConversations(start.head)
    ? readDocument({ bytes: start.bytes, convert: (entry) => convertConversation(entry, projects) }, options)
    : readMemories({ bytes: start.bytes, projects }, options);
}

function* convertConversation(entry: Entry, projects: ReadonlyMap<string, string>): Generator<Converted> {
  if (entry.number === 0) return;
  if (isClaudeConversation(entry.value)) yield* turnsOfClaude(entry, projects);
  else yield { kind: 'noted', note: 'an entry that is no conversation' };
}

/** Files that only the exports of ChatGPT have. */
export function isOfChatGpt(path: string): boolean {
  return /^(?:[^/]+\/)?(?:user\.json|chat\.html|message_feedback\.json)$/.test(path);
}

function isMemories(path: string): boolean {
  return /^(?:[^/]+\/)?memories(?:\.json|\/[^/]+\.json)$/.test(path);
}

function isUsers(path: string): boolean {
  return /^(?:[^/]+\/)?users\.json$/.test(path);
}

function isProjects(path: string): boolean {
  return /^(?:[^/]+\/)?projects(?:\.json|\/[^/]+\.json)$/.test(path);
}

function isClaudeMemory(value: JsonObject | undefined): boolean {
  return value !== undefined && ('conversations_memory' in value || 'project_memories' in value);
}

async function* readArchive({ archive }: ArchiveSource, options: ReadOptions): AsyncGenerator<ImportItem> {
  const memories = archive.entries.filter(({ path }) => isMemories(path));
  const conversations = archive.entries.filter(({ path }) => isConversations(path));
  if (memories.length + conversations.length === 0) {
    throw new InvalidInputError(
      'export',
      'has neither memories nor conversations',
      'allowed is an export with memories.json or conversations.json',
    );
  }
  const projects = await readProjectNames(archive, options);
  for (const file of memories) {
    yield* readMember(file, () =>
      readMemories({ bytes: archive.read(file), projects, file: file.path }, options),
    );
  }
  for (const file of conversations) {
    const convert = (entry: Entry): Iterable<Converted> => convertConversation(entry, projects);
    yield* readMember(file, () =>
      readDocument({ bytes: archive.read(file), file: file.path, convert }, options),
    );
  }
}

/** The names of projects by their UUIDs. A damaged file costs the names only. */
async function readProjectNames(
  archive: Archive,
  options: ReadOptions,
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  const convert = ({ value: { uuid, name } }: Entry): Converted[] => {
    if (typeof uuid === 'string' && typeof name === 'string' && name.trim() !== '')
      names.set(uuid, name.trim());
    return [];
  };
  const aside = { ...options, position: { lines: 0, bytes: 0 } };
  for (const file of archive.entries.filter(({ path }) => isProjects(path))) {
    const read = file.path.endsWith('projects.json') ? readDocument : readObject;
    const items = readMember(file, () => read({ bytes: archive.read(file), convert }, aside));
    // The names are noted on the way.
    while ((await items.next()).done !== true);
  }
  return names;
}

interface Memories {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly projects: ReadonlyMap<string, string>;
  readonly file?: string;
}

async function* readMemories(
  { bytes, projects, file }: Memories,
  options: ReadOptions,
): AsyncGenerator<ImportItem> {
  const start = await peekText({ name: '', bytes });
  const convert = ({ value }: Entry): Converted[] => convertAccount(value, projects);
  const document = { bytes: start.bytes, convert, ...(file === undefined ? {} : { file }) };
  yield* /^\uFEFF?\s*\[/.test(start.head.text)
    ? readDocument(document, options)
    : readObject(document, options);
}

function convertAccount(value: JsonObject, projects: ReadonlyMap<string, string>): Converted[] {
  const account = typeof value['account_uuid'] === 'string' ? value['account_uuid'] : '';
  const general = value['conversations_memory'];
  const ofProjects = value['project_memories'];
  if (general === undefined && ofProjects === undefined) {
    throw new InvalidInputError('entry', 'has no memories', 'allowed is one with conversations_memory');
  }
  const byProject = isObject(ofProjects) ? Object.entries(ofProjects) : [];
  return [
    ...sections(general).map((section) => memoryOfSection(section, { account, uuid: '', metadata: {} })),
    ...byProject.flatMap(([uuid, text]) => {
      const name = projects.get(uuid);
      const metadata = { ...(name === undefined ? {} : { project: name }), project_uuid: uuid };
      return sections(text).map((section) => memoryOfSection(section, { account, uuid, metadata }));
    }),
  ];
}

interface Section {
  readonly heading: string;
  readonly text: string;
}

const HEADING = /^(?:#{1,6}\s+(.+?)\s*#*|\*\*([^*]+)\*\*:?)$/;

/** Cuts at Markdown headings, and at lines that are bold as a whole. */
function sections(text: unknown): Section[] {
  if (typeof text !== 'string') return [];
  const found: { heading: string; lines: string[] }[] = [{ heading: '', lines: [] }];
  for (const line of text.split(/\r?\n/)) {
    const match = HEADING.exec(line.trim());
    const heading = match?.[1] ?? match?.[2];
    if (heading === undefined) found.at(-1)?.lines.push(line);
    else found.push({ heading: heading.trim(), lines: [] });
  }
  return found
    .map(({ heading, lines }) => ({ heading, text: lines.join('\n').trim() }))
    .filter(({ heading, text: body }) => heading !== '' || body !== '');
}

function memoryOfSection(
  { heading, text }: Section,
  {
    account,
    uuid,
    metadata,
  }: { readonly account: string; readonly uuid: string; readonly metadata: JsonObject },
): Converted {
  if (text === '') return { omitted: 'a heading without text' };
  const named = heading === '' ? {} : { section: heading };
  const fields = {
    text: heading === '' ? text : `${heading}\n\n${text}`,
    metadata: { ...metadata, ...named },
  };
  return memoryOf(fields, { id: namedUuid([NAME, account, uuid, heading]), source: SOURCE });
}
