import { execFileSync } from 'node:child_process';

/** Builds `dist/` before the first test of any project: workers and end-to-end tests run the built program. */
export function setup(): void {
  if (process.env['SKIP_BUILD'] === '1') return;
  execFileSync(process.execPath, ['scripts/build.mjs', '--no-types'], { stdio: 'inherit' });
  process.env['SKIP_BUILD'] = '1';
}
