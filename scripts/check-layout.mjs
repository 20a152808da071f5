// Checks the layout in docs/architecture.md: sizes of files, small files with one importer, and import directions that
// lint does not check.
//   node scripts/check-layout.mjs [--list]
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import ts from 'typescript';

const MEAN_AT_LEAST = 100;
const LINES_AT_MOST = 400;
const SMALL = 60;

/** Small files with at most one importer that are allowed, each with its reason. */
const SMALL_ON_PURPOSE = {
  'src/cli/main.ts': 'loads the rest only when it is needed',
  'src/cli/find-commands.ts': 'loads the one command that is wanted; a test compares it with the list of all',
  'src/testing.ts': 'the public surface for tests',
  'src/cli/commands/config.ts': 'a command',
  'src/store/lease-work-lock.ts': 'a decorator of a port',
  'src/app/audited-app.ts': 'loads people and the audit log only for the space of a team',
  'src/cli/commands/reembed.ts': 'a command',
  'src/cli/commands/hook.ts': 'a command',
  'src/cli/hooks/capture-turns.ts': 'loads the readers of transcripts only for the hooks that need them',
  'src/cli/doctor/report.ts': 'pure, with a test of its own for what must not leave the machine',
  'src/cli/commands/serve.ts': 'a command; loads a server only when it is asked for',
  'src/auth/embedded/attempt-limit.ts': 'a pure algorithm with a test of its own',
  'src/embedding/embedding-worker.ts': 'the entry of a worker thread: works as soon as it is loaded',
  'src/secrets/create-secret-scanner.ts': 'the adapter of a port',
  'src/import-export/formats/front-matter.ts': 'loads YAML only when a note needs it',
  'src/import-export/open-source.ts': 'names the adapters of a port; tests open sources with it',
  'src/import-export/formats/mcp-memory-service.ts': 'a format',
  'src/import-export/formats/json-list.ts': 'a format',
  'src/import-export/formats/python-service.ts': 'a format',
  'src/vector/create-vector-index.ts': 'names the adapters of a port',
  'src/mcp/sdk-shims.ts': 'stands in for a module of the SDK when the program is bundled',
  'src/memory/merged-search.ts': 'a pure algorithm with a test of its own',
  'src/ui/app.tsx': 'the entry of the page',
  'src/ui/map/into-periods.ts': 'a pure algorithm with a test of its own',
  'src/ui/shared/event-stream.ts': 'a pure algorithm with a test of its own',
};

/** Folders whose files run in a browser. */
const WITHOUT_NODE = ['src/ui/'];
/** The domain. It may use only these modules of Node. */
const PURE = { folder: 'src/memory/', allowed: new Set(['node:crypto', 'node:timers/promises']) };

const { values } = parseArgs({ options: { list: { type: 'boolean', default: false } } });
const root = join(import.meta.dirname, '..');
const files = readModules();
const problems = [...sizeProblems(), ...smallProblems(), ...directionProblems(), ...unusedExceptions()];
const lines = totalLines();
const summary = `src: ${files.size} files, ${lines} lines, mean ${(lines / files.size).toFixed(1)}`;
if (values.list)
  for (const [path, { lines: size }] of files) console.log(`${String(size).padStart(4)} ${path}`);
for (const problem of problems) console.error(problem);
console.log(
  problems.length === 0 ? `Layout holds. ${summary}` : `${problems.length} problems of layout. ${summary}`,
);
process.exit(problems.length === 0 ? 0 : 1);

/** Every module of src with its size, its imports, and the modules of src that import it. */
function readModules() {
  const modules = new Map();
  for (const entry of readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })) {
    if (!/\.tsx?$/.test(entry.name)) continue;
    const path = relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/');
    const text = readFileSync(join(root, path), 'utf8');
    modules.set(path, {
      lines: text.split('\n').length - 1,
      imports: importsOf(path, text),
      users: new Set(),
    });
  }
  for (const [path, { imports }] of modules) {
    for (const target of imports) modules.get(target)?.users.add(path);
  }
  return new Map([...modules].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** All imports, static and dynamic: paths for relative imports, names for packages. */
function importsOf(path, text) {
  return ts
    .preProcessFile(text, true, true)
    .importedFiles.map(({ fileName }) =>
      fileName.startsWith('.') ? join(dirname(path), fileName).replaceAll('\\', '/') : fileName,
    );
}

function totalLines() {
  return [...files.values()].reduce((sum, { lines: size }) => sum + size, 0);
}

function sizeProblems() {
  const long = [...files].filter(([, { lines: size }]) => size > LINES_AT_MOST);
  return [
    ...long.map(
      ([path, { lines: size }]) =>
        `${path} has ${size} lines, more than ${LINES_AT_MOST}: split it by subject.`,
    ),
    ...(totalLines() / files.size < MEAN_AT_LEAST
      ? [
          `The mean file of src has ${(totalLines() / files.size).toFixed(1)} lines, fewer than ${MEAN_AT_LEAST}.`,
        ]
      : []),
  ];
}

function isSmallWithOneUser({ lines: size, users }) {
  return size < SMALL && users.size <= 1;
}

function smallProblems() {
  return [...files]
    .filter(([path, file]) => isSmallWithOneUser(file) && !(path in SMALL_ON_PURPOSE))
    .map(
      ([path, { lines: size, users }]) =>
        `${path} has ${size} lines and ${users.size === 0 ? 'no user' : `only the user ${[...users].join()}`}: ` +
        'move it in there, or give its reason in scripts/check-layout.mjs.',
    );
}

/** Exceptions for files that need none, which must be removed. */
function unusedExceptions() {
  return Object.keys(SMALL_ON_PURPOSE)
    .filter((path) => !files.has(path) || !isSmallWithOneUser(files.get(path)))
    .map((path) => `scripts/check-layout.mjs excuses ${path}, which needs no excuse: remove the line.`);
}

function directionProblems() {
  return [...files].flatMap(([path, { imports }]) =>
    imports.flatMap((target) => {
      if (WITHOUT_NODE.some((room) => path.startsWith(room))) {
        return target.startsWith('node:') ? [`${path} imports ${target}: the page runs in a browser.`] : [];
      }
      if (path.startsWith(PURE.folder) && target.startsWith('node:') && !PURE.allowed.has(target)) {
        return [`${path} imports ${target}: the domain reads no files, no network and no process.`];
      }
      if (target.startsWith('src/app/') && !/^src\/(?:app|bin|cli)\/|^src\/index\.ts$/.test(path)) {
        return [`${path} imports ${target}: only bin, cli and index.ts compose the application.`];
      }
      if (target.startsWith('src/index.ts') || target.startsWith('src/testing.ts')) {
        return [`${path} imports ${target}, which is for users of the package.`];
      }
      return [];
    }),
  );
}
