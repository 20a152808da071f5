import { MemoryFileError } from '../errors/input-errors.ts';
import type { MemoryApi } from '../memory/memory-api.ts';
import type { Memory } from '../memory/memory.ts';

/** The folder of all files of the tool, which always exists. */
export const ROOT = '/memories';
/** The tag of the memories that are files. */
export const FILE_TAG = 'memory-file';
/** Members of their metadata: the path of the file, and the content of a file that a memory cannot have as its text. */
const PATH = 'memory_path';
const BLANK = 'memory_blank';
/** The text of a memory whose file has nothing to see. */
const BLANK_TEXT = '(a file without text)';

const MAX_PATH_LENGTH = 1_024;
const PAGE = 1_000;
/** Ids of one call. */
const BATCH = 100;

/** One file of the tool. */
export interface MemoryFile {
  readonly path: string;
  readonly content: string;
  /** Ids of its memories, the newest first: files of one path that two machines made are one file. */
  readonly ids: readonly string[];
}

/** The part of a memory that the files need. */
export type FileMemories = Pick<MemoryApi, 'add' | 'list' | 'update' | 'delete'>;

/** Files that are memories: each content that a file had is a version of its memory. */
export class MemoryFiles {
  readonly #memory: FileMemories;
  readonly #project: string;

  /** @param project the files are memories of it, and only its files are seen; empty = those of no project */
  constructor(memory: FileMemories, project: string) {
    this.#memory = memory;
    this.#project = project;
  }

  /** @returns undefined when there is no file of that path, also when it is a folder */
  async find(path: string): Promise<MemoryFile | undefined> {
    return (await this.#read({ [PATH]: path })).get(path);
  }

  /** The files in a folder and below it, by path; for the path of a file none. */
  async below(folder: string): Promise<readonly MemoryFile[]> {
    const files = [...(await this.#read({})).values()];
    return files
      .filter(({ path }) => path.startsWith(`${folder}/`))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async create(path: string, content: string): Promise<void> {
    const { text, metadata } = stored(content);
    await this.#memory.add({
      memories: [
        {
          text,
          tags: [FILE_TAG],
          // Empty: the default project of the settings is not for files.
          project: this.#project,
          metadata: { ...metadata, [PATH]: path },
        },
      ],
      // Two files may have the same content.
      onDuplicate: 'add',
    });
  }

  async write({ ids: [id = ''] }: MemoryFile, content: string): Promise<void> {
    await this.#memory.update({ id, ...stored(content) });
  }

  async move({ ids }: MemoryFile, path: string): Promise<void> {
    for (const id of ids) await this.#memory.update({ id, metadata: { [PATH]: path } });
  }

  /** Moves the memories to the trash. */
  async remove(files: readonly MemoryFile[]): Promise<void> {
    const ids = files.flatMap((file) => file.ids);
    for (let start = 0; start < ids.length; start += BATCH)
      await this.#memory.delete({ ids: ids.slice(start, start + BATCH) });
  }

  async #read(metadata: Readonly<Record<string, string>>): Promise<Map<string, MemoryFile>> {
    const files = new Map<string, MemoryFile>();
    let cursor: string | undefined;
    do {
      const page = await this.#memory.list({
        filter: { tags: [FILE_TAG], metadata },
        order: 'updated',
        limit: PAGE,
        cursor,
      });
      for (const memory of page.memories) {
        const path = this.#pathOf(memory);
        if (path === undefined) continue;
        const newer = files.get(path);
        if (newer === undefined) files.set(path, { path, content: contentOf(memory), ids: [memory.id] });
        else files.set(path, { ...newer, ids: [...newer.ids, memory.id] });
      }
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return files;
  }

  /** Undefined for a memory of another project, and for one whose path a person or another program made unusable. */
  #pathOf({ metadata }: Memory): string | undefined {
    const { [PATH]: path, project } = metadata;
    if ((typeof project === 'string' ? project : '') !== this.#project) return undefined;
    return typeof path === 'string' && problemOf(path) === undefined ? path : undefined;
  }
}

function stored(content: string): {
  readonly text: string;
  readonly metadata: Record<string, string | null>;
} {
  const isBlank = content.trim() === '';
  return isBlank
    ? { text: BLANK_TEXT, metadata: { [BLANK]: content } }
    : { text: content, metadata: { [BLANK]: null } };
}

function contentOf({ text, metadata }: Memory): string {
  const blank = metadata[BLANK];
  return text === BLANK_TEXT && typeof blank === 'string' ? blank : text;
}

/**
 * A path as the model gave it, without a slash at its end.
 * @throws MemoryFileError for one outside of the folder, or in a form that could mean another place
 */
export function checkedPath(path: unknown): string {
  if (typeof path !== 'string') throw new MemoryFileError(`The path ${JSON.stringify(path)} is not a text`);
  const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  const problem = problemOf(trimmed);
  if (problem !== undefined) throw new MemoryFileError(problem);
  return trimmed;
}

function problemOf(path: string): string | undefined {
  const shown = path.slice(0, MAX_PATH_LENGTH);
  if (path !== ROOT && !path.startsWith(`${ROOT}/`)) return `Path must start with ${ROOT}, got: ${shown}`;
  if (path.length > MAX_PATH_LENGTH)
    return `The path has ${path.length} characters; allowed are at most ${MAX_PATH_LENGTH}`;
  const parts = path.slice(1).split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.trim() !== part))
    return `Path ${shown} would escape ${ROOT} directory`;
  return /[\\\p{Cc}]/u.test(path) || !path.isWellFormed()
    ? `The path ${JSON.stringify(shown)} has a character that is not allowed`
    : undefined;
}
