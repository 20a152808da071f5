// Checks that the simulation detects faults: breaks one safeguard after the other in a copy of the sources, and
// expects the simulation to fail each time.
//   npm run test:mutations
//   npm run test:mutations -- --only=identity
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The mutations: a name, the file, and the text to replace. It is an error if the file does not contain the text. */
const MUTATIONS = [
  {
    name: 'the own head is not checked',
    file: 'src/backup/repository/own-head.ts',
    from: 'if (attempt === null) {',
    to: 'if (attempt === null && Number.isNaN(seen?.seq)) {',
  },
  {
    name: 'unshared versions are not written again under a new identity',
    file: 'src/backup/own-identity.ts',
    from: 'replica.takeNewIdentity(error.machine, error.lastSharedWrite)',
    to: 'replica.takeNewIdentity(error.machine, Number.MAX_SAFE_INTEGER)',
  },
  {
    name: 'stored objects are not read back before the head lists them',
    file: 'src/backup/repository/transfer.ts',
    from: 'if (problem === null) return;',
    to: 'if (problem !== undefined) return;',
  },
  {
    name: 'a version vector covers one write too many',
    file: 'src/memory/version.ts',
    from: 'return (clock[dot.machine] ?? 0) >= dot.n;',
    to: 'return (clock[dot.machine] ?? 0) + 1 >= dot.n;',
  },
  {
    name: 'pruning deletes young objects',
    file: 'src/backup/repository/prune.ts',
    from: 'const GRACE_MS = 24 * 3_600_000;',
    to: 'const GRACE_MS = -1;',
  },
  {
    name: 'claims of other machines about the own counter are trusted',
    file: 'src/backup/claims.ts',
    from: 'if (claimed > made) {',
    to: 'if (claimed > made && Number.isNaN(made)) {',
  },
  {
    name: 'commits that others have seen under the own id are not looked at',
    file: 'src/backup/repository/witnesses.ts',
    from: 'if (newest === undefined || (await',
    to: 'if (newest !== undefined || (await',
  },
  {
    name: 'a head that does not continue the one seen before is merged',
    file: 'src/backup/repository/witnesses.ts',
    from: 'machine === head.machine && !continues(head, commits)',
    to: 'machine === head.machine && commits.length < 0 && !continues(head, commits)',
  },
  {
    name: 'the removals of a day do not add up',
    file: 'src/memory/removal-budget.ts',
    from: 'const sum = lately + count;',
    to: 'const sum = count;',
  },
  {
    name: 'a head after a lost one does not name the commits before it',
    file: 'src/backup/repository/own-head.ts',
    from: 'const last = sent !== null && sent.seq > (stored?.seq ?? 0) ? sent : stored;',
    to: 'const last = stored;',
  },
];

const SEEDS = process.env['SIMULATION_SEEDS'] ?? '400';
const checkOnly = process.argv.includes('--check');
/** Plays only the mutations whose name contains this. */
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length) ?? '';
const root = resolve(import.meta.dirname, '..');

function mutated({ file, from, to }) {
  const source = readFileSync(join(root, file), 'utf8');
  if (source.split(from).length !== 2) throw new Error(`${file} does not contain exactly once: ${from}`);
  return source.replace(from, to);
}

function survives(mutation) {
  const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-mutation-'));
  try {
    for (const part of ['src', 'tests']) cpSync(join(root, part), join(folder, part), { recursive: true });
    for (const part of ['package.json', 'tsconfig.json', 'vitest.config.ts', 'scripts']) {
      cpSync(join(root, part), join(folder, part), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    mkdirSync(join(folder, 'dist'));
    writeFileSync(join(folder, mutation.file), mutated(mutation));
    const vitest = join('node_modules', 'vitest', 'vitest.mjs');
    const run = spawnSync(process.execPath, [vitest, 'run', '--project', 'long', 'tests/simulation'], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, SKIP_BUILD: '1', SIMULATION_SEEDS: SEEDS },
    });
    const seed = /seed (\d+): (.{0,100})/.exec(run.stdout + run.stderr);
    if (run.status !== 0 && seed === null)
      throw new Error(`the simulation did not run:\n${run.stdout}${run.stderr}`);
    return { survived: run.status === 0, found: seed?.[0] ?? '' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const mutation of MUTATIONS) mutated(mutation);
let survivors = 0;
for (const mutation of checkOnly ? [] : MUTATIONS.filter(({ name }) => name.includes(only))) {
  const { survived, found } = survives(mutation);
  survivors += survived ? 1 : 0;
  console.log(
    `${survived ? 'NOT NOTICED' : 'noticed    '} ${mutation.name}${found === '' ? '' : ` (${found})`}`,
  );
}
process.exit(survivors === 0 ? 0 : 1);
