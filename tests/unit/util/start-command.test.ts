import { describe, expect, test } from 'vitest';
import { startable, type Surroundings } from '../../../src/util/start-command.ts';

const NPX = 'C:\\Program Files\\nodejs\\npx.cmd';
const FILES = new Set([
  NPX,
  'C:\\Program Files\\nodejs\\node.exe',
  'C:\\work\\run.bat',
  'C:\\tools\\uvx.EXE',
]);

function windows(env: Readonly<Record<string, string>> = {}): Surroundings {
  return {
    platform: 'win32',
    workingDirectory: 'C:\\work',
    // As a copy of the environment may spell them.
    env: { Path: 'relative;"C:\\Program Files\\nodejs";C:\\tools;', ComSpec: 'C:\\Windows\\cmd.exe', ...env },
    isFile: (path) => FILES.has(path) || FILES.has(path.replace(/exe$/, 'EXE')),
  };
}

test.each(['linux', 'darwin'] as const)('on %s the system finds every command itself', (platform) => {
  const surroundings = { ...windows(), platform };
  expect(startable('npx', ['-y', 'a "b" %c%'], surroundings)).toEqual({
    file: 'npx',
    args: ['-y', 'a "b" %c%'],
    windowsVerbatimArguments: false,
  });
});

describe('on Windows', () => {
  test('a short name finds the batch file, which cmd.exe starts', () => {
    expect(startable('npx', ['-y', 'faiss-memory', 'a b', ''], windows())).toEqual({
      file: 'C:\\Windows\\cmd.exe',
      args: ['/d', '/v:off', '/s', '/c', `""${NPX}" -y faiss-memory "a b" """`],
      windowsVerbatimArguments: true,
    });
  });

  test.each([
    ['node', 'C:\\Program Files\\nodejs\\node.exe'],
    ['uvx.exe', 'C:\\tools\\uvx.exe'],
    ['C:\\Program Files\\nodejs\\node.exe', 'C:\\Program Files\\nodejs\\node.exe'],
  ])('the program %s is started without a shell', (command, file) => {
    expect(startable(command, ['a"b'], windows())).toEqual({
      file,
      args: ['a"b'],
      windowsVerbatimArguments: false,
    });
  });

  test('a relative path is sought in the working folder, and a name only in the path', () => {
    expect(startable('.\\run', [], windows()).args.at(-1)).toBe('"C:\\work\\run.bat"');
    expect(startable('run', [], windows())).toEqual({
      file: 'run',
      args: [],
      windowsVerbatimArguments: false,
    });
  });

  test.each([
    ['a&b|c<d>e^f(g)', '"a&b|c<d>e^f(g)"'],
    ['a,b;c=d', '"a,b;c=d"'],
    ['C:\\my folder\\', '"C:\\my folder\\\\"'],
    ['!x!', '"!x!"'],
  ])('the argument %s reaches a batch file as %s', (argument, given) => {
    expect(startable('npx', [argument], windows()).args.at(-1)).toBe(`""${NPX}" ${given}"`);
  });

  test.each(['50%', 'a"b', 'a\nb'])(
    'the argument %j is refused, because a batch file would change it',
    (argument) => {
      expect(() => startable('npx', [argument], windows())).toThrow(/cannot be given to a batch file/);
    },
  );

  test('cmd.exe is the usual one without its variable', () => {
    const env = Object.fromEntries(Object.entries(windows().env).filter(([name]) => name !== 'ComSpec'));
    expect(startable('npx', [], { ...windows(), env }).file).toBe('cmd.exe');
  });
});
