import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { type Zippable, zipSync } from 'fflate';
import { copyProgram, findProgram } from '../../src/cli/install/program-copy.ts';

/** Oldest time that a zip file can hold: the same files give the same bytes. */
const FIXED_TIME = new Date('1980-01-01T00:00:00Z');
const MANIFEST = 'packaging/mcpb/manifest.json';

export interface Tool {
  readonly name: string;
  readonly description: string;
}

/**
 * Writes the bundle that desktop clients install with a double click: the program with its packages, for all
 * platforms, and its manifest.
 * @param folder where the content is put together
 * @returns path of the `.mcpb` file
 */
export async function writeBundle(
  folder: string,
  options: { readonly version: string; readonly tools: readonly Tool[]; readonly to: string },
): Promise<string> {
  const { version, tools, to } = options;
  await copyProgram(findProgram('.'), join(folder, 'server'));
  const manifest = JSON.parse(readFileSync(MANIFEST, 'utf8')) as object;
  const content = { ...manifest, version, tools };
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(content, undefined, 2)}\n`);
  writeFileSync(join(folder, 'icon.png'), readFileSync('packaging/mcpb/icon.png'));
  mkdirSync(to, { recursive: true });
  const path = join(to, `faiss-memory-${version}.mcpb`);
  writeFileSync(path, zipFolder(folder));
  return path;
}

/** The files in the order of their names, with fixed times, so that nothing but their content counts. */
export function zipFolder(folder: string): Uint8Array {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => name.replaceAll(sep, '/'))
    .sort();
  const files = names.map((name): [string, Zippable[string]] => [
    name,
    [new Uint8Array(readFileSync(join(folder, name))), { mtime: FIXED_TIME, level: 6 }],
  ]);
  return zipSync(Object.fromEntries(files));
}
