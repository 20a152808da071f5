import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UsageError } from '../errors/input-errors.ts';
import { type FilterClock, parseFilter } from '../memory/filter.ts';
import type { FilterInput, StatedAttributes } from '../memory/memory-api.ts';
import type { JsonValue, Metadata } from '../memory/version.ts';
import { type CommandContext, list, oneOf, type OptionValues, toggle, value } from './command.ts';
import { reasonOf } from '../util/caught.ts';
import { projectOf } from '../util/git-project.ts';

/** Options that choose memories, the same for every command. */
export const filterOptions = {
  tags: list('-t, --tag <tag>', 'with this tag; repeated: with any of them'),
  allTags: list('--all-tags <tag>', 'with this tag; repeated: with all of them'),
  source: value('--source <prefix>', 'whose source starts with this text'),
  project: value('--project <name>', 'of this project; in a search, * = all projects alike'),
  metadata: list('-m, --metadata <key=value>', 'with this metadata; repeated: with all of it'),
  after: value(
    '--after <time>',
    'created at or after: 2026-01-31 (a day of MEMORY_TIME_ZONE), 2026-01-31T12:00:00Z, or an age such as 12h, 7d, 2w',
  ),
  before: value('--before <time>', 'created at or before; a date includes the whole day'),
  kind: oneOf('--kind <kind>', ['fact', 'conversation'], 'only facts, or only turns of conversations'),
  session: value('--session <name>', 'turns of the conversation of this name'),
  client: value('--client <name>', 'turns of conversations with this program, for example claude-code'),
  occurredAfter: value('--occurred-after <time>', 'true or happened at or after, as its metadata say'),
  occurredBefore: value('--occurred-before <time>', 'true or happened at or before'),
  expired: oneOf(
    '--expired <which>',
    ['any', 'only', 'none'],
    'memories whose time is over (default: none in a search, any elsewhere)',
  ),
  pinned: toggle('--pinned', 'only pinned facts'),
};

/** Options for well-known members of the metadata. */
export const statedOptions = {
  occurredAt: value(
    '--occurred-at <time>',
    'when it was true or happened: a date, a time, or an age such as 3d',
  ),
  expires: value('--expires <time>', 'until when it holds: a date, a time, or an age from now such as 30d'),
  pinned: toggle('--pin', 'always in the brief of a session; at most 20'),
  unpinned: toggle('--unpin', 'no longer pinned'),
  supersedes: value('--supersedes <id>', 'the fact that it replaces'),
};

/** @throws UsageError */
export function toStated(options: OptionValues<typeof statedOptions>): StatedAttributes {
  const { occurredAt, expires, pinned, unpinned, supersedes } = options;
  if (pinned && unpinned) throw new UsageError('--pin and --unpin exclude each other', 'Give one of them.');
  const pin = pinned ? true : unpinned ? false : undefined;
  return { occurredAt, expires, supersedes, pinned: pin };
}

/**
 * The project of the folder in which a command runs; undefined where the settings name one, which then counts.
 */
export async function currentProject(context: CommandContext): Promise<string | null | undefined> {
  const { project, projectPackages: packages } = context.config().settings;
  return project === '' ? projectOf(context.host.workingDirectory, { packages }) : undefined;
}

export const asOfOption = value(
  '--as-of <time>',
  'as it was then, from the versions kept: a date (its end), a time, or an age such as 7d',
);

/** Undefined when no option limits anything. */
export function toFilterInput(options: OptionValues<typeof filterOptions>): FilterInput | undefined {
  const { tags, allTags, source, project, after, before, pinned } = options;
  const { kind, session, client, occurredAfter, occurredBefore, expired } = options;
  const metadata = parseMetadata(options.metadata);
  const filter = {
    ...(tags.length === 0 ? {} : { tags }),
    ...(allTags.length === 0 ? {} : { allTags }),
    ...(source === undefined ? {} : { source }),
    ...(project === undefined ? {} : { project }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
    ...Object.fromEntries(
      Object.entries({ kind, session, client, occurredAfter, occurredBefore, expired }).filter(
        ([, given]) => given !== undefined,
      ),
    ),
    ...(pinned ? { pinned } : {}),
  };
  return Object.keys(filter).length === 0 ? undefined : filter;
}

/** Ages such as `7d` as points in time, so that a dry run and the deletion after it mean the same. */
export function withFixedTimes(filter: FilterInput, clock: FilterClock): FilterInput {
  const { createdAfter, createdBefore, occurredAfter, occurredBefore } = parseFilter(filter, clock);
  return {
    ...filter,
    ...(createdAfter === undefined ? {} : { after: new Date(createdAfter).toISOString() }),
    ...(createdBefore === undefined ? {} : { before: new Date(createdBefore).toISOString() }),
    ...(occurredAfter === undefined ? {} : { occurredAfter: new Date(occurredAfter).toISOString() }),
    ...(occurredBefore === undefined ? {} : { occurredBefore: new Date(occurredBefore).toISOString() }),
  };
}

/**
 * Metadata from `key=value` texts. A value that is JSON (a number, true, false, null, a quoted text, a list, an
 * object) is taken as such, anything else as text. Undefined when there are none. @throws UsageError
 */
export function parseMetadata(assignments: readonly string[]): Metadata | undefined {
  if (assignments.length === 0) return undefined;
  return Object.fromEntries(assignments.map(parseAssignment));
}

function parseAssignment(assignment: string): [string, JsonValue] {
  const separator = assignment.indexOf('=');
  if (separator <= 0) {
    throw new UsageError(
      `--metadata got ${JSON.stringify(assignment)}, which is no assignment`,
      'Write key=value, for example --metadata ticket=42.',
    );
  }
  return [assignment.slice(0, separator), parseValue(assignment.slice(separator + 1))];
}

function parseValue(text: string): JsonValue {
  try {
    // JSON.parse returns nothing but JSON values.
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

/** A whole number given as an option; undefined when it is not given. The service checks its range. */
export function parseInteger(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`${option} got ${JSON.stringify(text)}`, 'Give a whole number.');
}

/** Far above any text limit; keeps a mistaken file out of memory. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * The text a command is about: its words, stdin for `-`, or a file. Line ends at the end of stdin and of files
 * are dropped. Undefined when none is given. @throws UsageError
 */
export async function readText(
  context: CommandContext,
  words: readonly string[],
  file: string | undefined,
): Promise<string | undefined> {
  if (file !== undefined && words.length > 0) {
    throw new UsageError('the text is given twice, as words and as --file', 'Give one of them.');
  }
  if (file !== undefined) return withoutFinalLineEnds(await readFileText(context, file));
  if (words.length === 1 && words[0] === '-') return withoutFinalLineEnds(await readStdin(context));
  return words.length === 0 ? undefined : words.join(' ');
}

async function readFileText({ host }: CommandContext, file: string): Promise<string> {
  const path = resolve(host.workingDirectory, file);
  try {
    return decode(await readFile(path), path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const reason = reasonOf(error);
    throw new UsageError(`--file cannot be read: ${reason}`, 'Give the path of a readable text file.');
  }
}

async function readStdin({ host }: CommandContext): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of host.stdin as AsyncIterable<Buffer | string>) {
    const buffer = Buffer.from(part);
    bytes += buffer.length;
    if (bytes > MAX_BYTES) throw new UsageError('stdin holds more than 64 MiB', 'Split the text.');
    parts.push(buffer);
  }
  return decode(Buffer.concat(parts), 'stdin');
}

function decode(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${name} is no UTF-8 text`, 'Convert it to UTF-8 first.');
  }
}

function withoutFinalLineEnds(text: string): string {
  return text.replace(/[\r\n]+$/, '');
}

/** @param path the file that was asked for */
export function cannotWrite(path: string, error: unknown): UsageError {
  const reason = reasonOf(error);
  return new UsageError(
    `${path} cannot be written: ${reason}`,
    'Name a file in a folder that you may write.',
  );
}

/** @param path the file or folder that was asked for */
export function cannotRead(path: string, error: unknown): UsageError {
  return new UsageError(
    `${path} cannot be read: ${reasonOf(error)}`,
    'Name a readable file, or - for stdin.',
  );
}
