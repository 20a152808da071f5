import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { packagePath } from '../../src/util/package.ts';

const root = packagePath();
const topPages = readdirSync(root).filter((name) => name.endsWith('.md'));
const docPages = readdirSync(packagePath('docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => join('docs', name));

test.each([...topPages, ...docPages])('all links of %s lead somewhere', (page) => {
  const text = readFileSync(join(root, page), 'utf8').replace(/^```.*?^```/gms, '');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  const broken = links.filter((link) => !/^[a-z]+:/.test(link) && !resolves(page, link));
  expect(broken).toEqual([]);
});

test.each(['AGENTS.md', 'CONTRIBUTING.md', 'docs/embed.md', 'docs/glossary.md'])(
  'all files that %s names are there',
  (page) => {
    const names = readFileSync(join(root, page), 'utf8').matchAll(
      /`((?:src|tests|scripts|docs)\/[\w./-]+)`/g,
    );
    const missing = [...names].flatMap(([, name = '']) => (existsSync(join(root, name)) ? [] : [name]));
    expect(missing).toEqual([]);
  },
);

function resolves(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? join(root, page) : join(root, dirname(page), path);
  if (relative(root, target).startsWith('..') || !existsSync(target)) return false;
  if (anchor === undefined) return true;
  return statSync(target).isFile() && anchorsOf(readFileSync(target, 'utf8')).has(anchor);
}

/** Headings as GitHub names them. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

const tracked = ['src', 'scripts', 'tests', 'bench', 'docs', 'examples', 'contrib', 'vendor'].flatMap(
  (folder) =>
    readdirSync(packagePath(folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
);
const sources = tracked.filter((name) => /^(?:src|scripts|tests|bench|examples).*\.m?tsx?$/.test(name));

/** The comments of a program, and what is left of it without them. */
function split(path: string): { readonly comments: readonly string[]; readonly code: string } {
  const text = readFileSync(join(root, path), 'utf8');
  const comment = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm;
  return { comments: text.match(comment) ?? [], code: text.replace(comment, ' ') };
}

test('files and decisions that comments and pages name are there', () => {
  const texts = [...sources.flatMap((path) => split(path).comments.map((text) => ({ path, text })))];
  for (const path of [...topPages, ...docPages])
    texts.push({ path, text: readFileSync(join(root, path), 'utf8') });
  // A page of the command line names files of the user, and that of exports a member of a zip.
  const foreign = new Set(['notes.md', 'talk.md', 'index.md']);
  const decisions = docPages.join(' ');
  const missing = texts.flatMap(({ path, text }) => {
    const files = [...text.matchAll(/(?<=^|[\s(`"])((?:[\w.-]+\/)*[\w.-]+\.(?:ts|tsx|mts|mjs|md))\b/g)]
      .map(([, name = '']) => name.replace(/^(?:\.{1,2}\/)+/, ''))
      .filter(
        (name) =>
          ![...tracked, ...readdirSync(root)].some((known) => known === name || known.endsWith(`/${name}`)),
      );
    const numbers = [...text.matchAll(/\bdecision (\d{1,4})\b/gi)]
      .map(([, number = '']) => number.padStart(4, '0'))
      .filter((number) => !decisions.includes(`/${number}-`));
    return [...files, ...numbers].filter((name) => !foreign.has(name)).map((name) => `${path}: ${name}`);
  });
  expect(missing).toEqual([]);
});

/** Names in comments of src that are examples, or belong to others: protocols, the system, packages. */
const EXAMPLES = new Set([
  ...['console', 'apiKeyFile'],
  ...[
    'before_upgrade',
    'YYYYMMDD',
    'HHMMSS',
    'mmm',
    '__proto__',
    '_shims',
    'Expect',
    'mkdir',
    'foo.bar',
    'foo_bar',
    'foo',
    'initialize',
    'localeCompare',
  ],
  ...['.NET', 'camelCase', 'get_token()', 'MY_SERVICE_TOKEN_V2', 'Sha256Digest', 'OAuth2', 'argon2id'],
  ...['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'xxxxxxxx'],
]);

test('names of code that comments of src quote are there', () => {
  const inSource = sources.filter((path) => path.startsWith('src'));
  const known = new Set(inSource.flatMap((path) => split(path).code.match(/[A-Za-z_$][\w$]*/g) ?? []));
  const unknown = inSource.flatMap((path) =>
    split(path)
      .comments.flatMap((text) => [...text.matchAll(/`([\w.$#]+(?:\(\))?)`/g)].map(([, name = '']) => name))
      .filter((name) => !EXAMPLES.has(name) && /[A-Za-z_$]{3}/.test(name) && !/\.\w{2,4}$/.test(name))
      .filter((name) => (name.match(/[A-Za-z_$][\w$]{2,}/g) ?? []).some((word) => !known.has(word)))
      .map((name) => `${path}: ${name}`),
  );
  expect(unknown).toEqual([]);
});
