import { open, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';

/** Longest name of a project; a longer one is not used. */
export const MAX_PROJECT_LENGTH = 200;
/** Folders above the given one that are looked at. */
const MAX_DEPTH = 64;
/** `.git` files and `commondir` hold one path. */
const MAX_POINTER_BYTES = 8_192;
const MAX_CONFIG_BYTES = 262_144;

/** The surroundings; by default those of the process. */
export interface ProjectSurroundings {
  /** A repository in this folder keeps settings, and is no project. */
  readonly home?: string;
  /** A package inside the repository is a project of its own: `github.com/owner/repository/packages/api`. Default false. */
  readonly packages?: boolean;
}

/**
 * The project of a folder: the git repository that it belongs to. Subfolders, worktrees and clones of one remote are one
 * project; a submodule is the project of its own remote. The name is that of the remote (`github.com/owner/repository`),
 * `upstream` before `origin`, so that the clone of a fork belongs to the original; without a remote, the place of the
 * repository's root below the home folder (`~/code/notes`). Git itself is not run, and a file of any size or form cannot
 * hold it up or make it fail.
 * @param folder absolute path, which need not exist any more: the nearest folder above it counts then
 * @returns null outside a repository, and for a repository in the home folder itself
 */
export async function projectOf(
  folder: string,
  { home = homeFolder(), packages = false }: ProjectSurroundings = {},
): Promise<string | null> {
  if (!isAbsolute(folder) || folder.includes('\0')) return null;
  const place = await realOr(folder);
  const repository = await repositoryOf(place);
  if (repository === undefined) return null;
  const realHome = home === '' ? '' : await realOr(home);
  if (realHome !== '' && repository.root === realHome) return null;
  const config = await readStart(join(repository.common, 'config'), MAX_CONFIG_BYTES);
  const project = remoteProject(config ?? '') ?? placeOf(repository.root, realHome);
  if (project === null || !packages) return project;
  const own = await packageOf(place, repository.top);
  return own === '' ? project : (usable(`${project}/${own}`) ?? project);
}

const MANIFESTS = ['package.json', 'Cargo.toml', 'pyproject.toml', 'go.mod'];

/** The path below `top` of the package that the folder belongs to, with `/`; empty = of none but the repository. */
async function packageOf(folder: string, top: string): Promise<string> {
  let place = folder;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const below = relative(top, place);
    if (below === '' || below.startsWith('..') || isAbsolute(below)) return '';
    const names = below.split(sep);
    // Packages that are installed there belong to the package that uses them.
    if (!names.includes('node_modules')) {
      const kinds = await Promise.all(MANIFESTS.map((name) => kindOf(join(place, name))));
      if (kinds.includes('file')) return names.join('/');
    }
    place = dirname(place);
  }
  return '';
}

function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return '';
  }
}

async function realOr(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return resolve(path);
  }
}

interface Repository {
  /** Folder of the main worktree; of a bare repository, its own. */
  readonly root: string;
  /** Folder in which it was found: of the worktree that the folder lies in. */
  readonly top: string;
  /** Folder with the settings that all worktrees share. */
  readonly common: string;
}

async function repositoryOf(folder: string): Promise<Repository | undefined> {
  let place = folder;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const found = (await worktreeAt(place)) ?? (await bareAt(place));
    if (found !== undefined) return { ...found, top: place };
    const above = dirname(place);
    if (above === place) return undefined;
    place = above;
  }
  return undefined;
}

async function worktreeAt(root: string): Promise<Omit<Repository, 'top'> | undefined> {
  const marker = join(root, '.git');
  const kind = await kindOf(marker);
  if (kind === 'folder') return (await isGitFolder(marker)) ? { root, common: marker } : undefined;
  if (kind !== 'file') return undefined;
  const target = /^gitdir:(.*)/.exec((await readStart(marker, MAX_POINTER_BYTES)) ?? '')?.[1];
  const gitFolder = pathIn(root, target);
  if (gitFolder === undefined) return undefined;
  const shared = pathIn(gitFolder, await readStart(join(gitFolder, 'commondir'), MAX_POINTER_BYTES));
  // The settings of a submodule, and of a folder made with --separate-git-dir, are its own.
  if (shared === undefined) return (await isGitFolder(gitFolder)) ? { root, common: gitFolder } : undefined;
  if (!(await isGitFolder(shared))) return undefined;
  return { root: basename(shared) === '.git' ? dirname(shared) : shared, common: await realOr(shared) };
}

/** Also finds the repository of a folder inside `.git`. */
async function bareAt(place: string): Promise<Omit<Repository, 'top'> | undefined> {
  if (!(await isGitFolder(place)) || (await kindOf(join(place, 'config'))) !== 'file') return undefined;
  return { root: basename(place) === '.git' ? dirname(place) : place, common: place };
}

async function isGitFolder(path: string): Promise<boolean> {
  const [head, objects, refs] = await Promise.all(
    ['HEAD', 'objects', 'refs'].map((name) => kindOf(join(path, name))),
  );
  return head === 'file' && objects === 'folder' && refs === 'folder';
}

/** A path of a git file. One that leads to another machine is not followed, for Windows would sign in there. */
function pathIn(folder: string, written: string | undefined): string | undefined {
  const path = written?.split(/[\r\n]/)[0]?.trim() ?? '';
  if (path === '' || path.includes('\0') || /^[\\/]{2}/.test(path)) return undefined;
  return resolve(folder, path);
}

async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? 'file' : found.isDirectory() ? 'folder' : undefined;
  } catch {
    return undefined;
  }
}

/** The beginning of a regular file; undefined when it cannot be read. */
async function readStart(path: string, most: number): Promise<string | undefined> {
  if ((await kindOf(path)) !== 'file') return undefined;
  try {
    const file = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(most), 0, most, 0);
      return buffer.subarray(0, bytesRead).toString('utf8');
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

function placeOf(root: string, home: string): string | null {
  const below = home === '' ? '..' : relative(home, root);
  const inHome = below !== '' && !below.startsWith('..') && !isAbsolute(below);
  const place = (inHome ? `~/${below}` : root)
    .split(sep)
    .join('/')
    .replace(/\.git$/, '');
  return usable(place);
}

const REMOTES = ['upstream', 'origin'];

/** The project that the remotes in the text of a git configuration name; null when none of them is on a host. */
export function remoteProject(config: string): string | null {
  const urls = remoteUrls(config);
  const names = [...REMOTES, ...[...urls.keys()].filter((name) => !REMOTES.includes(name))];
  for (const name of names) {
    const project = projectOfUrl(urls.get(name) ?? '');
    if (project !== null) return project;
  }
  return null;
}

/** The first URL of each remote, in the order of the file. Included files are not read. */
function remoteUrls(config: string): ReadonlyMap<string, string> {
  const urls = new Map<string, string>();
  let remote: string | undefined;
  for (const line of config.replaceAll('\\\n', '').split(/\r?\n/)) {
    const section = /^\s*\[\s*([A-Za-z0-9.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]/.exec(line);
    if (section !== null) {
      const isRemote = section[1]?.toLowerCase() === 'remote';
      remote = isRemote ? section[2]?.replace(/\\(.)/g, '$1') : undefined;
    }
    const url = /(?:^|\])\s*url\s*=\s*(.*)$/i.exec(line)?.[1];
    if (remote !== undefined && url !== undefined && !urls.has(remote)) urls.set(remote, valueOf(url));
  }
  return urls;
}

/** A value without quotes and without a comment behind it. */
function valueOf(written: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(written)?.[1];
  if (quoted !== undefined) return quoted.replace(/\\(.)/g, '$1');
  return written.replace(/\s+[#;].*$/, '').trim();
}

const SCP_FORM = /^(?:[^@/\\:]+@)?(\[[0-9a-fA-F:.]+\]|[^@/\\:[\]]{2,}):(?!:|\/\/)(.*)$/;
const NETWORK_SCHEMES = new Set(['http:', 'https:', 'ssh:', 'git:', 'git+ssh:', 'ssh+git:', 'ftp:', 'ftps:']);
/** Hosts that take SSH on the port of HTTPS under another name. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  'ssh.github.com': 'github.com',
  'www.github.com': 'github.com',
  'altssh.gitlab.com': 'gitlab.com',
  'altssh.bitbucket.org': 'bitbucket.org',
  'ssh.dev.azure.com': 'dev.azure.com',
};
/** Hosts that do not tell upper from lower case in the path of a repository. */
const WITHOUT_CASE = new Set(['github.com', 'gitlab.com', 'bitbucket.org', 'codeberg.org']);

/**
 * The name of a repository on a host, the same for all forms of its URL: without scheme, user, port and `.git`.
 * @returns null for a path of this machine and for anything else without a host
 */
export function projectOfUrl(url: string): string | null {
  const [host, path] = hostAndPath(url.trim());
  if (host === '') return null;
  const name = OTHER_NAMES[host] ?? host;
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.length === 0 || segments.includes('..')) return null;
  const onAzure = name === 'dev.azure.com';
  const plain = segments.filter(
    (segment, index) => !(onAzure && (segment === '_git' || (index === 0 && segment === 'v3'))),
  );
  const joined = plain.join('/').replace(/\.git$/i, '');
  return joined === '' ? null : usable(`${name}/${WITHOUT_CASE.has(name) ? joined.toLowerCase() : joined}`);
}

function hostAndPath(url: string): readonly [host: string, path: string] {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(url)) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed === undefined || !NETWORK_SCHEMES.has(parsed.protocol)) return ['', ''];
    return [parsed.hostname.toLowerCase(), decoded(parsed.pathname)];
  }
  const [, host = '', path = ''] = SCP_FORM.exec(url) ?? [];
  return [host.toLowerCase(), path];
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function usable(name: string): string | null {
  const trimmed = name.trim();
  return trimmed === '' || trimmed.length > MAX_PROJECT_LENGTH || /[\p{C}\p{Zl}\p{Zp}]/u.test(trimmed)
    ? null
    : trimmed;
}
