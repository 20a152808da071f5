import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('the example of the memory tool remembers over three conversations with a fake API', async () => {
  const env = { ...process.env, ANTHROPIC_API_KEY: '' };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['scripts/run-ts.mjs', 'examples/claude-memory-tool/agent.ts'],
    { env },
  );
  expect(stdout.trim().split('\n')).toEqual([
    'first: Noted.',
    'second: Noted.',
    'third: Coffee with soy milk',
    'versions: Coffee with soy milk | Coffee with oat milk',
  ]);
});
