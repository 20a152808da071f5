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
