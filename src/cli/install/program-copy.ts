import { createHash } from 'node:crypto';
import { constants, existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import systemPaths, { basename, dirname, join, type PlatformPath, sep } from 'node:path';

/** One package of a copy. */
interface CopiedPackage {
  readonly name: string;
  readonly version: string;
  readonly from: string;
  /** Folder inside the copy, for example `node_modules/commander`. */
  readonly to: string;
}

/** The program with everything it needs to run, found where it is installed now. */
export interface ProgramCopy {
  readonly version: string;
  /** Hash of the program's files and of the names and versions of its packages, in hexadecimal. */
  readonly digest: string;
  readonly packages: readonly CopiedPackage[];
}

/** The members of package.json that count here. */
interface PackageFacts {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** The parts of the program; a clone of its repository has more. */
const PARTS = new Set(['dist', 'models', 'vendor', 'package.json', 'LICENSE', 'README.md', 'CHANGELOG.md']);
const VENDOR_PARTS = /^(faiss\.wasm|README\.md|LICENSE-.*)$/;

/** Path of the program inside a folder that a copy was made in. */
export const COPIED_ENTRY = ['node_modules', 'faiss-memory', 'dist', 'bin', 'faiss-memory.js'] as const;

/**
 * Finds the packages that the program needs, as Node.js would find them from its folder: beside it in an npx cache,
 * above it in a clone, behind links with pnpm.
 * @param root the folder of the program's package.json
 * @throws Error when a package that it depends on is missing, or when it was never built
 */
export function findProgram(root: string): ProgramCopy {
  const folder = realpathSync(root);
  const facts = readFacts(folder);
  if (!existsSync(join(folder, 'dist', 'bin', 'faiss-memory.js'))) {
    throw new Error(`${folder} has no built program: dist/bin/faiss-memory.js is missing`);
  }
  const placed = new Map<string, CopiedPackage>();
  const place = (at: readonly string[], from: string): void => {
    const { name, version, ...needs } = readFacts(from);
    placed.set(placeOf(at), { name, version, from, to: placeOf(at) });
    for (const needed of neededNames(needs, from === folder && isClone(folder))) {
      const found = findPackage(needed.name, from);
      if (found === undefined && needed.required) {
        throw new Error(`${name} needs the package ${needed.name}, which is not installed`);
      }
      if (found === undefined) continue;
      const seen = visibleFrom(at, needed.name, placed);
      // Each package lies at the top unless another version of it is there already.
      if (seen === undefined) place([needed.name], found);
      else if (seen.from !== found) place([...at, needed.name], found);
    }
  };
  place([facts.name], folder);
  const packages = [...placed.values()];
  return { version: facts.version, digest: digestOf(folder, packages), packages };
}

/** The folder of a package inside other packages, for example `node_modules/a/node_modules/b` for a and b. */
function placeOf(at: readonly string[]): string {
  return join(...at.flatMap((name) => ['node_modules', name]));
}

/** The package that code at `at` would find under a name. */
function visibleFrom(
  at: readonly string[],
  name: string,
  placed: ReadonlyMap<string, CopiedPackage>,
): CopiedPackage | undefined {
  for (let depth = at.length; depth >= 0; depth -= 1) {
    const found = placed.get(placeOf([...at.slice(0, depth), name]));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Copies the program into a folder that does not exist yet. @throws the error of the file system */
export async function copyProgram({ packages }: ProgramCopy, target: string): Promise<void> {
  await mkdir(target, { recursive: true, mode: 0o700 });
  for (const { name, from, to } of packages) {
    await cp(from, join(target, to), {
      recursive: true,
      dereference: true,
      mode: constants.COPYFILE_FICLONE,
      filter: (source) => belongs(source, { name, from }),
    });
  }
}

/**
 * Tells whether a file or folder of a package is copied.
 * @param path may be in the long form of Windows, `\\?\C:\…`, in which Node.js tells its `cp` filter
 */
export function belongs(
  path: string,
  { name, from }: Pick<CopiedPackage, 'name' | 'from'>,
  paths: PlatformPath = systemPaths,
): boolean {
  const parts = paths
    .relative(paths.toNamespacedPath(from), paths.toNamespacedPath(path))
    .split(paths.sep)
    .filter((part) => part !== '');
  const [first, ...rest] = parts;
  if (first === undefined) return true;
  // Packages inside a package are copied as packages of their own.
  if (first === 'node_modules') return false;
  if (name !== 'faiss-memory') return true;
  if (first !== 'vendor') return PARTS.has(first);
  return rest.length < 2 || VENDOR_PARTS.test(rest.at(-1) ?? '');
}

/** Compares the numbers of two versions, such as 0.9.1 and 0.10.0. */
export function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) < 0;
}

/** A clone has installed all optional packages for its tests, 350 MB of them. */
function isClone(root: string): boolean {
  return existsSync(join(root, 'src', 'bin', 'faiss-memory.ts'));
}

function neededNames(
  {
    dependencies = {},
    optionalDependencies = {},
    peerDependencies = {},
  }: Omit<PackageFacts, 'name' | 'version'>,
  withoutPeers: boolean,
): { readonly name: string; readonly required: boolean }[] {
  const optional = [
    ...Object.keys(optionalDependencies),
    ...(withoutPeers ? [] : Object.keys(peerDependencies)),
  ];
  const required = Object.keys(dependencies).filter((name) => optionalDependencies[name] === undefined);
  return [
    ...required.map((name) => ({ name, required: true })),
    ...optional.map((name) => ({ name, required: false })),
  ];
}

/** As Node.js looks for a package: in the `node_modules` of each folder above. */
function findPackage(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    if (basename(folder) !== 'node_modules') {
      const candidate = join(folder, 'node_modules', name);
      if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate);
    }
    if (dirname(folder) === folder) return undefined;
  }
}

function readFacts(folder: string): PackageFacts {
  // npm guarantees name and version in an installed package's manifest.
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageFacts;
}

/** Names and sizes of all files, and the content of those that a build changes. */
function digestOf(root: string, packages: readonly CopiedPackage[]): string {
  const hash = createHash('sha256');
  for (const { name, version, to } of packages) hash.update(`${to} ${name} ${version}\n`);
  for (const part of ['dist', 'models', 'vendor']) {
    const names = readdirSync(join(root, part), { recursive: true, encoding: 'utf8' }).sort();
    for (const name of names) {
      const path = join(root, part, name);
      const stats = statSync(path);
      if (!stats.isFile() || !belongs(path, { name: 'faiss-memory', from: root })) continue;
      hash.update(`${part}/${name.replaceAll(sep, '/')} ${stats.size}\n`);
      if (part === 'dist' && /\.(js|css|html)$/.test(name)) hash.update(readFileSync(path));
    }
  }
  return hash.digest('hex');
}
