// Everything that must hold before a change lands, in one command: format, lint, types, unused code, package, tests.
// Closes with a line `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';

const STEPS = [
  ['format', ['npx', 'prettier', '--check', '.']],
  ['types', ['npx', 'tsc', '-p', 'tsconfig.json']],
  ['types of the web page', ['npx', 'tsc', '-p', 'src/ui']],
  ['lint', ['npx', 'eslint', '.']],
  ['unused code', ['npx', 'knip']],
  ['changelog', ['node', 'scripts/check-changelog.mjs']],
  ['build', ['node', 'scripts/build.mjs']],
  ['package exports', ['npx', 'publint', '--strict']],
  [
    'package types',
    ['npx', 'attw', '--pack', '.', '--profile', 'esm-only', '--ignore-rules', 'cjs-resolves-to-esm'],
  ],
];

const results = STEPS.map(([name, [command, ...parameters]]) => {
  console.log(`\n== ${name}`);
  return spawnSync(command, parameters, { stdio: 'inherit' }).status === 0;
});

console.log('\n== tests');
mkdirSync('.cache', { recursive: true });
const report = '.cache/vitest.json';
const tests = spawnSync(
  'npx',
  ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
  {
    stdio: 'inherit',
    env: { ...process.env, SKIP_BUILD: '1' },
  },
);
const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0 } = readReport();
const failedSteps = results.filter((ok) => !ok).length;
const crashed = tests.status !== 0 && numFailedTests === 0 ? 1 : 0;
const failed = failedSteps + numFailedTests + crashed;
const skipped = numPendingTests === 0 ? '' : `, ${numPendingTests} skipped`;
console.log(`\n${results.length - failedSteps + numPassedTests} passed, ${failed} failed${skipped}`);
process.exitCode = failed === 0 ? 0 : 1;

function readReport() {
  try {
    return JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return {};
  }
}
