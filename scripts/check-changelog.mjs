// Compares CHANGELOG.md with package.json and, for a proposed change, with the changed files.
//   node scripts/check-changelog.mjs                   the section of the coming version exists and has an entry
//   node scripts/check-changelog.mjs --base COMMIT     a change of src since COMMIT also changed CHANGELOG.md
//   node scripts/check-changelog.mjs --release 1.2.3   the section of this version has a date
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** @returns a sentence about the problem, or undefined */
export function findProblem(changelog, version, mode = {}) {
  const sections = [...changelog.matchAll(/^## (\S+) \(([^)]*)\)\n([\s\S]*?)(?=^## |(?![\s\S]))/gm)];
  const first = sections[0];
  if (first === undefined) return 'CHANGELOG.md has no section "## VERSION (unreleased)".';
  const [, name, state, body] = first;
  if (name !== version) {
    return `The first section of CHANGELOG.md is ${name}, and package.json says ${version}: add "## ${version} (unreleased)".`;
  }
  if (!/^- \S/m.test(body))
    return `The section ${name} of CHANGELOG.md has no entry: add a line "- …" about a change that users notice.`;
  if (mode.release !== undefined) {
    if (mode.release !== version) return `The tag says ${mode.release}, and package.json says ${version}.`;
    if (!/^\d{4}-\d{2}-\d{2}$/.test(state)) {
      return `The section ${name} of CHANGELOG.md is "(${state})": give it the day of its release, for example (2026-01-31).`;
    }
    return undefined;
  }
  const changed = mode.changed;
  if (changed === undefined) return undefined;
  const touchesProgram = changed.some((file) => file.startsWith('src/') || file.startsWith('models/'));
  return touchesProgram && !changed.includes('CHANGELOG.md')
    ? 'src changed and CHANGELOG.md did not: describe the change for users in the first section.'
    : undefined;
}

function readMode([flag, value]) {
  if (flag === '--release') return { release: value };
  if (flag !== '--base') return {};
  const diff = execFileSync('git', ['diff', '--name-only', `${value}...HEAD`], { encoding: 'utf8' });
  return { changed: diff.split('\n').filter((line) => line !== '') };
}

if (import.meta.filename === process.argv[1]) {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const problem = findProblem(
    readFileSync('CHANGELOG.md', 'utf8').replaceAll('\r\n', '\n'),
    version,
    readMode(process.argv.slice(2)),
  );
  if (problem !== undefined) {
    console.error(problem);
    process.exitCode = 1;
  }
}
