import type { Dirent } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';

/** The clients whose transcripts are found on a machine. */
export const TRANSCRIPT_CLIENTS = ['claude-code', 'codex', 'cursor', 'gemini-cli'] as const;
export type TranscriptClient = (typeof TRANSCRIPT_CLIENTS)[number];

/** A file that may be a transcript; its content tells. */
export interface TranscriptFile {
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly modified: number;
  /** Folder that the client worked in, where only a file beside the transcript says so. */
  readonly folder?: string;
}

export interface Surroundings {
  readonly homeDirectory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Levels of folders below the folder of a client. */
const MAX_DEPTH = 8;
const MAX_FILES = 200_000;

/** The folders in which a client keeps its transcripts, whether they exist or not. */
export function transcriptFolders(
  client: TranscriptClient,
  { homeDirectory, env }: Surroundings,
): readonly string[] {
  const named = (name: string, otherwise: string): string => {
    const value = env[name] ?? '';
    return isAbsolute(value) ? value : join(homeDirectory, otherwise);
  };
  switch (client) {
    case 'claude-code':
      return [join(named('CLAUDE_CONFIG_DIR', '.claude'), 'projects')];
    case 'codex': {
      const home = named('CODEX_HOME', '.codex');
      return [join(home, 'sessions'), join(home, 'archived_sessions')];
    }
    case 'cursor':
      return [join(homeDirectory, '.cursor', 'projects')];
    case 'gemini-cli':
      return [join(homeDirectory, '.gemini', 'tmp')];
  }
}

const NAMES: Readonly<Record<TranscriptClient, RegExp>> = {
  'claude-code': /\.jsonl$/,
  codex: /\.jsonl$/,
  // Those of subagents are in folders below.
  cursor: /[\\/]agent-transcripts[\\/](?:[^\\/]+[\\/])?[^\\/]+\.jsonl$/,
  'gemini-cli': /(^|[\\/])session-[^\\/]*\.jsonl?$/,
};

/** The transcripts of a client, oldest change first, so that repetitions in a later one are known. */
export async function findTranscripts(
  client: TranscriptClient,
  surroundings: Surroundings,
): Promise<readonly TranscriptFile[]> {
  const found: TranscriptFile[] = [];
  for (const folder of transcriptFolders(client, surroundings)) {
    found.push(...(await filesBelow(folder, NAMES[client])));
  }
  if (client === 'gemini-cli') return byAge(await Promise.all(found.map(withProjectRoot)));
  return byAge(client === 'cursor' ? await withSluggedFolders(found) : found);
}

/** Files below a folder, or the file itself. Links are not followed. */
export async function filesBelow(root: string, names = /\.jsonl?$/i): Promise<readonly TranscriptFile[]> {
  const found: TranscriptFile[] = [];
  const waiting = [{ path: root, depth: 0 }];
  const stats = await lstat(root).catch(() => undefined);
  if (stats?.isFile() === true) return [{ path: root, bytes: stats.size, modified: stats.mtimeMs }];
  for (let next = waiting.pop(); next !== undefined && found.length < MAX_FILES; next = waiting.pop()) {
    for (const item of await entriesOf(next.path)) {
      const path = join(next.path, item.name);
      if (item.isDirectory() && next.depth < MAX_DEPTH) waiting.push({ path, depth: next.depth + 1 });
      if (!item.isFile() || !names.test(path)) continue;
      const file = await lstat(path).catch(() => undefined);
      if (file !== undefined) found.push({ path, bytes: file.size, modified: file.mtimeMs });
    }
  }
  return found;
}

/** None for a folder that does not exist or may not be read. */
async function entriesOf(path: string): Promise<Dirent[]> {
  return readdir(path, { withFileTypes: true }).catch(() => []);
}

export function byAge(files: readonly TranscriptFile[]): readonly TranscriptFile[] {
  return [...files].sort((a, b) => a.modified - b.modified || (a.path < b.path ? -1 : 1));
}

const MAX_ROOT_LENGTH = 4_096;

/** Gemini CLI names folders by a hash or a short name, and keeps the path in a file beside them. */
async function withProjectRoot(file: TranscriptFile): Promise<TranscriptFile> {
  const root = await readFile(join(file.path, '..', '..', '.project_root'), 'utf8').catch(() => '');
  const folder = root.trim();
  return folder.length <= MAX_ROOT_LENGTH && isAbsolute(folder) ? { ...file, folder } : file;
}

/** Cursor names the folder of a project by its path, in which every other character is a hyphen. */
async function withSluggedFolders(files: readonly TranscriptFile[]): Promise<readonly TranscriptFile[]> {
  const known = new Map<string, Promise<string | undefined>>();
  return Promise.all(
    files.map(async (file) => {
      const slug = /[\\/]([^\\/]+)[\\/]agent-transcripts[\\/]/.exec(file.path)?.[1] ?? '';
      const finding = known.get(slug) ?? folderOfSlug(slug);
      known.set(slug, finding);
      const folder = await finding;
      return folder === undefined ? file : { ...file, folder };
    }),
  );
}

/** The folder of this machine that has the name; undefined when it is gone. */
async function folderOfSlug(slug: string): Promise<string | undefined> {
  const wanted = slug.toLowerCase();
  const drive = /^([a-z])-/i.exec(slug)?.[1];
  const waiting = process.platform === 'win32' && drive !== undefined ? [`${drive}:\\`] : ['/'];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    for (const item of await entriesOf(path)) {
      if (!item.isDirectory()) continue;
      const child = join(path, item.name);
      const name = slugOf(child);
      if (name === wanted) return child;
      if (wanted.startsWith(`${name}-`)) waiting.push(child);
    }
  }
  return undefined;
}

function slugOf(path: string): string {
  return path
    .replace(/[^a-z0-9]+/gi, '-')
    .replace(/^-|-$/g, '')
    .toLowerCase();
}
