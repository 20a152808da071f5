import { expect, test } from 'vitest';
import { commandList } from '../../src/cli/command-list.ts';
import { EXIT_CODES } from '../../src/cli/exit-code.ts';
import { findCommands } from '../../src/cli/find-commands.ts';
import { commandGroups, parseCommandLine } from '../../src/cli/program.ts';

test('the help of every command is as users know it', async () => {
  const named = [...commandList, ...commandGroups].map(({ name }) => [...name.split(' '), '--help']);
  const pages = [['--help'], ...named];
  const text = pages.map((argv) => `$ faiss-memory ${argv.join(' ')}\n${helpOf(argv)}\n`);
  await expect(text.join('\n')).toMatchFileSnapshot('cli-help.golden.txt');
});

test('a command that is loaded alone is the one of the list, with the same help', async () => {
  const words = ['search', 'list', 'get', 'stats', 'add', 'update', 'delete'];
  const alone = await Promise.all(words.map((word) => findCommands([word, '--help'])));
  expect(alone.map((commands) => commands.length)).toEqual(words.map(() => 1));
  for (const [place, commands] of alone.entries()) {
    const word = words[place] ?? '';
    expect(commands[0]).toBe(commandList.find(({ name }) => name === word));
    expect(parseCommandLine([word, '--help'], commands)).toBe(helpOf([word, '--help']));
  }
  for (const argv of [['--help'], ['--json', 'search'], ['sync', 'status'], ['constructor'], []])
    expect(await findCommands(argv)).toBe(commandList);
  expect(parseCommandLine(['--version'], await findCommands(['--version']))).toMatch(/^\d+\.\d+\.\d+/);
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
  const parsed = parseCommandLine(argv, commandList);
  if (typeof parsed !== 'string') throw new TypeError(`${argv.join(' ')} printed no help`);
  return parsed;
}
