import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../helpers/run-program.ts';
import { PROGRAM, serverEnvironment, temporaryFolder } from '../helpers/mcp/server-environment.ts';

/** Each answer is typed when its question is on the screen. */
type Conversation = readonly (readonly [question: string, answer: string])[];

/** The program in a terminal. */
async function talk(home: string, conversation: Conversation): Promise<string> {
  const env = { ...serverEnvironment(home), XDG_CONFIG_HOME: join(home, 'config') };
  const command = `script -qec "${process.execPath} ${PROGRAM}" /dev/null`;
  const child = spawn('bash', ['-c', command], { env });
  const left = [...conversation];
  let screen = '';
  let answered = 0;
  child.stdout.on('data', (data: Buffer) => {
    screen += data.toString();
    const [next] = left;
    if (next === undefined || !screen.slice(answered).includes(next[0])) return;
    answered = screen.length;
    left.shift();
    child.stdin.write(`${next[1]}\n`);
  });
  await once(child, 'close');
  expect(left).toEqual([]);
  return screen;
}

const YES = '[y/N]';
const HOOKS = 'by hooks? [y/N]';
const MEMORY = 'Enter to skip';

describe.skipIf(process.platform === 'win32')('the first steps in a terminal', () => {
  test('add the server and a memory', async () => {
    const home = temporaryFolder();
    mkdirSync(join(home, '.cursor'));
    const screen = await talk(home, [
      [HOOKS, 'y'],
      [YES, 'y'],
      [MEMORY, 'The spare key is at the neighbours'],
    ]);
    expect(screen).toContain('Cursor starts the server.');
    expect(screen).toContain('1 memory here.');
    expect(readFileSync(join(home, '.cursor/mcp.json'), 'utf8')).toContain('faiss-memory.mjs');
    expect(readFileSync(join(home, '.cursor/hooks.json'), 'utf8')).toContain('hook session-start');
    const again = await talk(home, []);
    expect(again).toContain('Next steps:');
    expect(again).not.toContain(MEMORY);
  });

  test('are offered only once', async () => {
    const home = temporaryFolder();
    mkdirSync(join(home, '.cursor'));
    await talk(home, [
      [HOOKS, 'n'],
      [YES, 'n'],
      [MEMORY, ''],
    ]);
    const again = await talk(home, []);
    expect(again).toContain('Not set up: Cursor.');
    expect(again).toContain('0 memories here.');
    expect(existsSync(join(home, '.cursor/mcp.json'))).toBe(false);
  });
});

test('without a terminal nothing is asked, and nothing is created', async () => {
  const home = temporaryFolder();
  mkdirSync(join(home, '.cursor'));
  const { code, stdout } = await runProgram(['guide', '--json'], { dataDir: home });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    clients: { configured: [], others: ['cursor'] },
    memories: 0,
    sync: false,
  });
  expect(existsSync(join(home, 'memories'))).toBe(false);
});
