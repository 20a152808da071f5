// Joins the chunks that every start loads into one. Node.js needs half a millisecond and more to find and read a module,
// and the bundler makes a chunk of each group of modules that the same entries share: some twenty for the start.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { build } from 'esbuild';

/**
 * Puts the chunk of a module and all chunks that it imports into the file of the former. The others stay as files that
 * export the same from there, so that a module exists once whoever imports it.
 * @param metafile of the build whose chunks lie in the folders that it names
 * @param {string} entryPoint a module that is imported dynamically
 * @param {string} banner the line with `require` in each chunk; left out where a chunk does not use it
 */
export async function joinStart({ outputs }, { entryPoint, banner }) {
  const start = Object.keys(outputs).find((path) => outputs[path].entryPoint === entryPoint);
  if (start === undefined) throw new Error(`${entryPoint} has no chunk`);
  const folder = resolve(dirname(start));
  const joined = [...closureOf(start, outputs)];
  const names = joined.flatMap((path, index) =>
    outputs[path].exports.map((name) => ({ path, name, as: path === start ? name : `c${index}_${name}` })),
  );
  const { outputFiles } = await build({
    stdin: {
      contents: names
        .map(({ path, name, as }) => `export { ${name} as ${as} } from './${basename(path)}';`)
        .join('\n'),
      resolveDir: folder,
    },
    // Names in comments are relative to it, and the build's own folder has another name each time.
    absWorkingDir: folder,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: Object.keys(outputs)
      .filter((path) => !joined.includes(path))
      .map((path) => `./${basename(path)}`),
    plugins: [withoutBanner(banner)],
    write: false,
    logLevel: 'warning',
  });
  for (const path of joined) {
    const own = names.filter((exported) => exported.path === path).map(({ name, as }) => `${as} as ${name}`);
    if (path !== start) writeFileSync(path, `export { ${own.join(', ')} } from './${basename(start)}';\n`);
  }
  writeFileSync(start, outputFiles[0].contents);
}

/**
 * Puts the chunk of a module and copies of all that it needs of other chunks into one file, for a program that starts and
 * ends again and again. Nothing of it may keep state that the copies of other chunks should know.
 * @param metafile as in `joinStart`, which must come later
 */
export async function copyTogether({ outputs }, { entryPoint, banner }) {
  const start = Object.keys(outputs).find((path) => outputs[path].entryPoint === entryPoint);
  if (start === undefined) throw new Error(`${entryPoint} has no chunk`);
  const joined = closureOf(start, outputs);
  await build({
    entryPoints: [start],
    outfile: start,
    allowOverwrite: true,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: Object.keys(outputs)
      .filter((path) => !joined.has(path))
      .map((path) => `./${basename(path)}`),
    plugins: [withoutBanner(banner)],
    logLevel: 'warning',
  });
}

/** The chunk and everything that it imports statically, in other chunks. */
function closureOf(path, outputs, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  for (const { path: imported, kind, external } of outputs[path].imports) {
    if (kind === 'import-statement' && external !== true) closureOf(imported, outputs, found);
  }
  return found;
}

/** Plugin of esbuild: making a `require` takes some time, and only bundled CommonJS packages need it. */
function withoutBanner(banner) {
  return {
    name: 'without-banner',
    setup({ onLoad }) {
      onLoad({ filter: /\.js$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        const rest = text.replace(banner, '');
        return { contents: /\brequire\b/i.test(rest) ? text : rest };
      });
    },
  };
}
