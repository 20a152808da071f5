// Runs all checks that a change must pass.
//   npm test               static checks, build, package, and the tests that are not long
//   npm run test:all       the same, unless it has just passed for the same files; the long tests; the mutations
// Ends with a list of the slowest checks, what failed once more, and a line `N passed, N failed`.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const CACHE = '.cache';
/** File with a digest of all files for which `npm test` passed last. */
const PASSED = `${CACHE}/passed`;
/** Number of checks at the same time. */
const AT_ONCE = 2;
const LISTED_FILES = 12;
/** Characters of a failure that are printed again at the end. */
const SHOWN_OUTPUT = 2_000;

// ESLint has no cache, because its rules about types and imports depend on files other than the checked one.
const FAST_STEPS = [
  { name: 'lint', command: 'npx eslint .' },
  { name: 'build', command: 'node scripts/build.mjs' },
  {
    name: 'types',
    command: `npx tsc -p tsconfig.json --incremental --tsBuildInfoFile ${CACHE}/types.tsbuildinfo`,
  },
  {
    name: 'format',
    command: `npx prettier --check --log-level warn --cache --cache-strategy content --cache-location ${CACHE}/prettier .`,
  },
  { name: 'types of the web page', command: 'npx tsc -p src/ui' },
  { name: 'unused code', command: 'npx knip' },
  { name: 'layout', command: 'node scripts/check-layout.mjs' },
  { name: 'changelog', command: 'node scripts/check-changelog.mjs' },
];
/** Checks that need the build. */
const PACKAGE_STEPS = [
  { name: 'package exports', command: 'npx publint --strict' },
  {
    name: 'package types',
    command: 'npx attw --pack . --profile esm-only --ignore-rules cjs-resolves-to-esm',
  },
];
const LONG_STEPS = [{ name: 'mutations', command: 'node scripts/mutate-simulation.mjs', shown: true }];

const total = { passed: 0, failed: 0, skipped: 0 };
/** Pairs of a name and its seconds. */
const durations = [];
/** What failed, as texts. They are printed last, because a log of thousands of tests is often cut at its start. */
const failures = [];
mkdirSync(CACHE, { recursive: true });

const everything = process.argv.includes('--all');
const state = stateOfFiles();
if (everything && existsSync(PASSED) && readFileSync(PASSED, 'utf8') === state) {
  console.log('The checks of `npm test` have passed for these files already.');
} else {
  rmSync(PASSED, { force: true });
  await runSteps(FAST_STEPS);
  await runSteps(PACKAGE_STEPS);
  runTests('fast', ['unit', 'fast']);
  if (total.failed === 0 && state !== '' && state === stateOfFiles()) writeFileSync(PASSED, state);
}
if (everything) {
  runTests('long', ['long']);
  await runSteps(LONG_STEPS);
}

console.log('\n== Slowest checks, in seconds');
for (const [name, seconds] of durations.toSorted(([, one], [, other]) => other - one))
  console.log(`${seconds.toFixed(1).padStart(7)}  ${name}`);
const skipped = total.skipped === 0 ? '' : `, ${total.skipped} skipped`;
for (const failure of failures) console.log(`\n== FAILED: ${failure}`);
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** Runs the steps, `AT_ONCE` at the same time. Each prints its result when it has ended. */
async function runSteps(steps) {
  const waiting = [...steps];
  const work = async () => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const { status, output, seconds } = await run(step.command);
      const passed = status === 0;
      durations.push([step.name, seconds]);
      total[passed ? 'passed' : 'failed'] += 1;
      console.log(`\n== ${step.name}: ${passed ? 'passed' : 'FAILED'} in ${seconds.toFixed(1)} s`);
      if (!passed || step.shown === true) console.log(output);
      if (!passed) failures.push(`${step.name}\n${output.slice(-SHOWN_OUTPUT)}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function run(command) {
  return new Promise((resolve) => {
    const start = performance.now();
    const child = spawn(command, { shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('close', (status) => {
      resolve({ status, output, seconds: (performance.now() - start) / 1_000 });
    });
  });
}

/** Runs the tests of some vitest projects on the build, with their output. */
function runTests(title, projects) {
  console.log(`\n== ${title} tests`);
  const report = `${CACHE}/${title}-tests.json`;
  rmSync(report, { force: true });
  const start = performance.now();
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  // Not by npx: on Windows that is a script, which only a shell can start.
  const { status } = spawnSync(
    process.execPath,
    [
      join('node_modules', 'vitest', 'vitest.mjs'),
      'run',
      ...projects.flatMap((name) => ['--project', name]),
      ...reporters,
    ],
    {
      stdio: 'inherit',
      env: { ...process.env, SKIP_BUILD: '1' },
    },
  );
  durations.push([`all ${title} tests`, (performance.now() - start) / 1_000]);
  const {
    numPassedTests = 0,
    numFailedTests = 0,
    numPendingTests = 0,
    testResults = [],
  } = readReport(report);
  total.passed += numPassedTests;
  // A test file that cannot be loaded has no failed test, but must count as a failure.
  total.failed += status !== 0 && numFailedTests === 0 ? 1 : numFailedTests;
  total.skipped += numPendingTests;
  failures.push(...failedTests(testResults));
  const files = testResults.map(({ name, startTime, endTime }) => [
    relative('.', name),
    (endTime - startTime) / 1_000,
  ]);
  durations.push(...files.toSorted(([, one], [, other]) => other - one).slice(0, LISTED_FILES));
}

/** The failed tests of a report, each with its file and the start of its first error. */
function failedTests(testResults) {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative('.', name);
    const failed = assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0 && status === 'failed') return [`${file}\n${message.slice(0, SHOWN_OUTPUT)}`];
    return failed.map(
      ({ fullName, failureMessages }) =>
        `${file} > ${fullName}\n${failureMessages.join('\n').slice(0, SHOWN_OUTPUT)}`,
    );
  });
}

function readReport(report) {
  try {
    return JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return {};
  }
}

/** A digest of all files that Git tracks or would add, of Node's version and of the test settings. Empty without Git. */
function stateOfFiles() {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  const { status, stdout } = spawnSync('git', list, { encoding: 'utf8', maxBuffer: 1e8 });
  if (status !== 0) return '';
  const settings = Object.entries(process.env).filter(([name]) => /^(REQUIRE_|TEST_|SIMULATION_)/.test(name));
  const hash = createHash('sha256').update(JSON.stringify([process.version, settings.toSorted()]));
  for (const file of stdout.split('\0').filter((name) => name !== '' && isFile(name)))
    hash.update(`\0${file}\0`).update(readFileSync(file));
  return hash.digest('hex');
}

function isFile(name) {
  return statSync(name, { throwIfNoEntry: false })?.isFile() === true;
}
