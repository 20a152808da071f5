import { InvalidInputError } from '../../errors/input-errors.ts';
import { type Head, headOfArchive, peekText } from '../head.ts';
import { claudeCode } from './claude-code.ts';
import { codex } from './codex.ts';
import { cursor } from './cursor.ts';
import { geminiCli } from './gemini-cli.ts';
import { mixedFolder } from './mixed-folder.ts';
import { chatGptExport } from './chatgpt-export.ts';
import { claudeExport } from './claude-export.ts';
import type { ImportFormat, ImportSource } from './import-format.ts';
import { jsonLines } from './json-lines.ts';
import { jsonList } from './json-list.ts';
import { markdown } from './markdown.ts';
import { mcpMemoryService } from './mcp-memory-service.ts';
import { mem0 } from './mem0.ts';
import { portableZip } from './portable-zip.ts';
import { pythonService } from './python-service.ts';
import { serverMemory } from './server-memory.ts';

/** Every format, those that are easy to tell first. */
const ONE_FORMAT: readonly ImportFormat[] = [
  portableZip,
  codex,
  geminiCli,
  claudeCode,
  cursor,
  serverMemory,
  claudeExport,
  chatGptExport,
  mcpMemoryService,
  mem0,
  pythonService,
  jsonList,
  markdown,
  jsonLines,
];

/** A folder of several formats is told before one of notes only. */
export const ALL_FORMATS: readonly ImportFormat[] = ONE_FORMAT.flatMap((format) =>
  format.name === 'markdown' ? [mixedFolder(ONE_FORMAT), format] : [format],
);

export const FORMAT_NAMES: readonly string[] = ALL_FORMATS.map(({ name }) => name);

/**
 * The format of a source, and the source to read, since a look at a stream takes its beginning away.
 * @param name the format that the user names; without it, the content decides
 * @throws InvalidInputError for a name that does not exist, and for content that no format recognizes
 */
export async function recognizeFormat(
  source: ImportSource,
  name?: string,
): Promise<{ readonly format: ImportFormat; readonly source: ImportSource }> {
  if (name !== undefined) return { format: formatNamed(name), source };
  if (source.kind === 'archive') {
    const paths = source.archive.entries.map(({ path }) => path);
    return { format: formatOf(headOfArchive(source.name, paths)), source };
  }
  const { head, bytes } = await peekText(source);
  return { format: formatOf(head), source: { ...source, bytes } };
}

function formatNamed(name: string): ImportFormat {
  const format = ALL_FORMATS.find((candidate) => candidate.name === name);
  if (format !== undefined) return format;
  throw new InvalidInputError(
    'format',
    `is ${JSON.stringify(name)}`,
    `allowed are ${FORMAT_NAMES.join(', ')}`,
  );
}

function formatOf(head: Head): ImportFormat {
  if (head.text.startsWith('PK\u0003\u0004')) throw unknown(head, 'is a zip, which is read from a path only');
  const format = ALL_FORMATS.find(({ recognizes }) => recognizes(head));
  if (format === undefined) throw unknown(head, 'has no format that is known here');
  return format;
}

function unknown(head: Head, problem: string): InvalidInputError {
  const titles = ALL_FORMATS.map(({ name, title }) => `${name} (${title})`);
  const what = head.kind === 'archive' ? 'folder or zip' : 'file';
  return new InvalidInputError(
    what,
    problem,
    `allowed are ${titles.join(', ')}; name one to have it read as such`,
  );
}
