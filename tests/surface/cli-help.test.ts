import { expect, test } from 'vitest';
import { commandGroups, commandList } from '../../src/cli/command-list.ts';
import { EXIT_CODES } from '../../src/cli/exit-code.ts';
import { parseCommandLine } from '../../src/cli/program.ts';

test('the help of every command is as users know it', async () => {
  const named = [...commandList, ...commandGroups].map(({ name }) => [...name.split(' '), '--help']);
  const pages = [['--help'], ...named];
  const text = pages.map((argv) => `$ faiss-memory ${argv.join(' ')}\n${helpOf(argv)}\n`);
  await expect(text.join('\n')).toMatchFileSnapshot('cli-help.golden.txt');
});

test('exit codes keep their meaning', () => {
  expect(EXIT_CODES).toEqual({
    ok: 0,
    failure: 1,
    usage: 2,
    notFound: 3,
    store: 4,
    embedding: 5,
    interrupted: 130,
  });
});

function helpOf(argv: readonly string[]): string {
  const parsed = parseCommandLine(argv);
  if (typeof parsed !== 'string') throw new TypeError(`${argv.join(' ')} printed no help`);
  return parsed;
}
