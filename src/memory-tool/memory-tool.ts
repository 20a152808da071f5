import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { MemoryFileError } from '../errors/input-errors.ts';
import { SerialQueue } from '../util/concurrency.ts';
import { isObject } from '../util/json.ts';
import { checkedPath, type FileMemories, type MemoryFile, MemoryFiles, ROOT } from './memory-files.ts';

export interface ViewCommand {
  readonly path: string;
  /** First and last line, from 1; -1 = to the end. */
  readonly view_range?: readonly number[] | undefined;
}
export interface CreateCommand {
  readonly path: string;
  readonly file_text: string;
}
export interface StrReplaceCommand {
  readonly path: string;
  readonly old_str: string;
  readonly new_str?: string | undefined;
}
export interface InsertCommand {
  readonly path: string;
  /** The line after which the text goes; 0 = before the first. */
  readonly insert_line: number;
  readonly insert_text: string;
}
export interface DeleteCommand {
  readonly path: string;
}
export interface RenameCommand {
  readonly old_path: string;
  readonly new_path: string;
}

/** The answer to a call of the model, for the `tool_result` of the next request. */
export interface MemoryToolResult {
  readonly content: string;
  readonly is_error: boolean;
}

/**
 * The client side of the Claude API's memory tool (`memory_20250818`). The methods named as the commands throw what the
 * model should read, as the helper for this tool in the SDK of the API expects it; `run` takes a whole call, and never throws
 * for mistakes of the model.
 */
export interface MemoryTool {
  view(command: ViewCommand): Promise<string>;
  create(command: CreateCommand): Promise<string>;
  str_replace(command: StrReplaceCommand): Promise<string>;
  insert(command: InsertCommand): Promise<string>;
  delete(command: DeleteCommand): Promise<string>;
  rename(command: RenameCommand): Promise<string>;
  /** @param input the `input` of a `tool_use` block */
  run(input: unknown): Promise<MemoryToolResult>;
}

export interface MemoryToolOptions {
  /**
   * The files are memories of this project, and only its files are seen: give each of your users one of their own.
   * @default the files are memories of no project
   */
  readonly project?: string | undefined;
}

/** For `tools` of a request to the Claude API. */
export const MEMORY_TOOL = { type: 'memory_20250818', name: 'memory' } as const;

const MAX_LINES = 999_999;
const NUMBER_WIDTH = 6;
/** Lines before and after a change that are shown. */
const CONTEXT = 2;
/** Levels of a folder that are shown. */
const DEPTH = 2;

/**
 * The commands of the memory tool over the memories of a store: each file is a memory, each change a version of it, and
 * deleted files lie in the trash. Searches find files as any other memory.
 *
 * @example
 * ```ts
 * import { createMemoryTool, MEMORY_TOOL, openMemory } from 'faiss-memory';
 *
 * const tool = createMemoryTool(openMemory({ dataDir: './memories' }));
 * const { content, is_error } = await tool.run({ command: 'view', path: '/memories' });
 * ```
 */
export function createMemoryTool(memory: FileMemories, { project = '' }: MemoryToolOptions = {}): MemoryTool {
  const files = new MemoryFiles(memory, project);
  const queue = new SerialQueue();
  // A model may call the tool several times at once, and each call reads before it writes.
  const alone =
    <Command>(work: (files: MemoryFiles, command: Command) => Promise<string>) =>
    (command: Command): Promise<string> =>
      queue.run(() => work(files, command));
  const commands = {
    view: alone(view),
    create: alone(create),
    str_replace: alone(replaceText),
    insert: alone(insertText),
    delete: alone(remove),
    rename: alone(rename),
  };
  return { ...commands, run: (input) => run(commands, input) };
}

async function run(commands: Omit<MemoryTool, 'run'>, input: unknown): Promise<MemoryToolResult> {
  try {
    if (!isObject(input)) throw new MemoryFileError('The input is not an object');
    const { command } = input;
    const known = Object.entries(commands).find(([name]) => name === command);
    if (known === undefined) {
      const names = Object.keys(commands).join(', ');
      throw new MemoryFileError(`Unknown command ${JSON.stringify(command)}; allowed are ${names}`);
    }
    // Each command checks its input.
    const work = known[1] as (command: unknown) => Promise<string>;
    return { content: await work(input), is_error: false };
  } catch (error) {
    if (!(error instanceof FaissMemoryError)) throw error;
    return { content: `Error: ${error.message}`, is_error: true };
  }
}

async function view(files: MemoryFiles, command: ViewCommand): Promise<string> {
  const path = checkedPath(command.path);
  const file = path === ROOT ? undefined : await files.find(path);
  if (file !== undefined) return viewFile(file, command.view_range);
  const below = await files.below(path);
  if (below.length === 0 && path !== ROOT) throw missing(path);
  const entries = new Map<string, number>();
  for (const { path: found, content } of below) {
    const parts = found.slice(path.length + 1).split('/');
    if (parts.some((part) => part.startsWith('.') || part === 'node_modules')) continue;
    for (let depth = 1; depth <= Math.min(parts.length, DEPTH); depth += 1) {
      const shown = `${path}/${parts.slice(0, depth).join('/')}${depth < parts.length ? '/' : ''}`;
      entries.set(shown, (entries.get(shown) ?? 0) + sizeOf(content));
    }
  }
  const total = below.reduce((sum, { content }) => sum + sizeOf(content), 0);
  const lines = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    `Here're the files and directories up to ${DEPTH} levels deep in ${path}, excluding hidden items and node_modules:`,
    ...[[path, total] as const, ...lines].map(([name, size]) => `${shownSize(size)}\t${name}`),
  ].join('\n');
}

function viewFile({ path, content }: MemoryFile, range: unknown): string {
  const lines = linesOf(content);
  if (lines.length > MAX_LINES)
    throw new MemoryFileError(`File ${path} exceeds maximum line limit of 999,999 lines.`);
  const [first, last] = range === undefined ? [1, -1] : checkedRange(range, lines.length);
  const shown = lines.slice(first - 1, last === -1 ? undefined : last);
  return `Here's the content of ${path} with line numbers:\n${numbered(shown, first)}`;
}

async function create(files: MemoryFiles, command: CreateCommand): Promise<string> {
  const path = checkedPath(command.path);
  const text = checkedText('file_text', command.file_text);
  await assertFree(files, path, `File ${path} already exists`);
  await files.create(path, text);
  return `File created successfully at: ${path}`;
}

async function replaceText(files: MemoryFiles, command: StrReplaceCommand): Promise<string> {
  const file = await existing(files, command.path);
  const old = checkedText('old_str', command.old_str);
  const text = checkedText('new_str', command.new_str ?? '');
  const places = old === '' ? [] : placesOf(file.content, old);
  const [place] = places;
  if (place === undefined) {
    throw new MemoryFileError(
      `No replacement was performed, old_str \`${old}\` did not appear verbatim in ${file.path}.`,
    );
  }
  const lineOf = (at: number): number => file.content.slice(0, at).split('\n').length;
  if (places.length > 1) {
    throw new MemoryFileError(
      `No replacement was performed. Multiple occurrences of old_str \`${old}\` in lines: ` +
        `${places.map(lineOf).join(', ')}. Please ensure it is unique`,
    );
  }
  const content = file.content.slice(0, place) + text + file.content.slice(place + old.length);
  await files.write(file, content);
  const line = lineOf(place);
  const first = Math.max(1, line - CONTEXT);
  const shown = linesOf(content).slice(first - 1, line + linesOf(text).length - 1 + CONTEXT);
  return `The memory file has been edited. Here is the snippet showing the change (with line numbers):\n${numbered(shown, first)}`;
}

async function insertText(files: MemoryFiles, command: InsertCommand): Promise<string> {
  const file = await existing(files, command.path);
  const text = checkedText('insert_text', command.insert_text);
  const lines = linesOf(file.content);
  const line: unknown = command.insert_line;
  if (typeof line !== 'number' || !Number.isInteger(line) || line < 0 || line > lines.length) {
    throw new MemoryFileError(
      `Invalid \`insert_line\` parameter: ${JSON.stringify(line)}. ` +
        `It should be within the range of lines of the file: [0, ${lines.length}]`,
    );
  }
  const end = file.content.endsWith('\n') ? '\n' : '';
  const changed = [...lines.slice(0, line), text.replace(/\n$/, ''), ...lines.slice(line)];
  await files.write(file, changed.join('\n') + end);
  return `The file ${file.path} has been edited.`;
}

async function remove(files: MemoryFiles, command: DeleteCommand): Promise<string> {
  const path = checkedPath(command.path);
  if (path === ROOT) throw new MemoryFileError(`Cannot delete the ${ROOT} directory itself`);
  const found = await filesAt(files, path);
  if (found.length === 0) throw new MemoryFileError(`The path ${path} does not exist`);
  await files.remove(found);
  return `Successfully deleted ${path}`;
}

async function rename(files: MemoryFiles, command: RenameCommand): Promise<string> {
  const [from, to] = [checkedPath(command.old_path), checkedPath(command.new_path)];
  if (from === ROOT) throw new MemoryFileError(`Cannot rename the ${ROOT} directory itself`);
  const found = await filesAt(files, from);
  if (found.length === 0) throw new MemoryFileError(`The path ${from} does not exist`);
  await assertFree(files, to, `The destination ${to} already exists`);
  if (to.startsWith(`${from}/`)) throw new MemoryFileError(`The destination ${to} is inside of ${from}`);
  // A path that becomes too long is found before the first file has moved.
  const moves = found.map((file) => ({ file, path: checkedPath(to + file.path.slice(from.length)) }));
  for (const { file, path } of moves) await files.move(file, path);
  return `Successfully renamed ${from} to ${to}`;
}

/** A file, or all files of a folder. */
async function filesAt(files: MemoryFiles, path: string): Promise<readonly MemoryFile[]> {
  const file = await files.find(path);
  return file === undefined ? files.below(path) : [file];
}

/** @throws MemoryFileError when there is a file or a folder, or when a file stands where a folder is needed */
async function assertFree(files: MemoryFiles, path: string, problem: string): Promise<void> {
  if (path === ROOT || (await filesAt(files, path)).length > 0) throw new MemoryFileError(problem);
  const parts = path.split('/');
  for (let depth = 3; depth < parts.length; depth += 1) {
    const above = parts.slice(0, depth).join('/');
    if ((await files.find(above)) !== undefined)
      throw new MemoryFileError(`The path ${above} is a file, not a directory`);
  }
}

async function existing(files: MemoryFiles, given: unknown): Promise<MemoryFile> {
  const path = checkedPath(given);
  const file = path === ROOT ? undefined : await files.find(path);
  if (file === undefined) throw missing(path);
  return file;
}

function missing(path: string): MemoryFileError {
  return new MemoryFileError(`The path ${path} does not exist. Please provide a valid path.`);
}

function checkedText(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new MemoryFileError(`${name} is missing or is not a text`);
  return value.toWellFormed();
}

function checkedRange(range: unknown, lines: number): readonly [number, number] {
  const [first, last, ...rest]: readonly unknown[] = Array.isArray(range)
    ? (range as readonly unknown[])
    : [];
  const isRange =
    rest.length === 0 &&
    typeof first === 'number' &&
    typeof last === 'number' &&
    Number.isInteger(first) &&
    Number.isInteger(last) &&
    first >= 1 &&
    (last === -1 || last >= first);
  if (isRange) return [first, last];
  throw new MemoryFileError(
    `Invalid \`view_range\` parameter: ${JSON.stringify(range)}. ` +
      `It should be the first and the last line within [1, ${lines}]; -1 is the end`,
  );
}

/** A line end at the end of a file begins no further line. */
function linesOf(content: string): string[] {
  const lines = content.split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function placesOf(content: string, text: string): number[] {
  const places: number[] = [];
  for (let at = content.indexOf(text); at !== -1; at = content.indexOf(text, at + 1)) places.push(at);
  return places;
}

function numbered(lines: readonly string[], first: number): string {
  return lines.map((line, place) => `${String(first + place).padStart(NUMBER_WIDTH)}\t${line}`).join('\n');
}

function sizeOf(content: string): number {
  return Buffer.byteLength(content);
}

function shownSize(bytes: number): string {
  const units = ['B', 'K', 'M', 'G'];
  const unit = bytes === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const size = bytes / 1_024 ** unit;
  return `${Number.isInteger(size) ? size : size.toFixed(1)}${units[unit] ?? ''}`;
}
