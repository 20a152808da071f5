import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { packagePath } from '../../src/util/package.ts';

test('the mutations of the simulation still fit the sources', () => {
  const script = packagePath('scripts', 'mutate-simulation.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
