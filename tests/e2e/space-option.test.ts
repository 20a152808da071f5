import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { transcriptOf } from '../helpers/hooks/hook-runs.ts';
import { type ProgramRun, runProgram } from '../helpers/run-program.ts';
import { temporaryFolder } from '../helpers/sqlite-store.ts';

const SESSION = '087c1c92-c377-4892-99bc-1a1b81bfbaa3';
const TEAM = {
  MEMORY_TEAM: 'true',
  MEMORY_EMBEDDING_PROVIDER: 'none',
  MEMORY_PROJECT: 'harbour',
};

describe('--space', () => {
  let dataDir: string;
  const run = (args: readonly string[], input?: unknown): Promise<ProgramRun> =>
    runProgram(args, {
      dataDir,
      env: TEAM,
      ...(input === undefined ? {} : { input: JSON.stringify(input) }),
    });
  const turnsIn = async (...place: string[]): Promise<string[]> => {
    const { stdout } = await run(['list', '--json', '--kind', 'conversation', ...place]);
    const { memories } = JSON.parse(stdout) as { memories: readonly { text: string }[] };
    return memories.map(({ text }) => text);
  };

  beforeEach(async () => {
    dataDir = temporaryFolder();
    for (const args of [
      ['user', 'add', 'ada'],
      ['space', 'create', 'kitchen', '--owner', 'ada'],
      ['add', 'The lantern of the harbour is red', '--pin'],
      ['add', 'The lantern of the kitchen is green', '--pin', '--space', 'kitchen'],
    ])
      expect(await run(args)).toMatchObject({ code: 0 });
  });

  test('is the space of a hook, for what it tells and for what it keeps', async () => {
    const tell = ['hook', 'session-start', '--client', 'claude-code'];
    const session = { cwd: dataDir, hook_event_name: 'SessionStart' };
    const asked = async (...place: string[]): Promise<string> =>
      (await run([...tell, ...place], session)).stdout;
    const [own, kitchen] = [await asked(), await asked('--space', 'kitchen')];
    expect([own.includes('red'), own.includes('green')]).toEqual([true, false]);
    expect([kitchen.includes('red'), kitchen.includes('green')]).toEqual([false, true]);
    expect(await asked('--space=kitchen')).toBe(kitchen);
    for (const space of ['nowhere', '../..']) expect(await asked('--space', space)).toBe('');
    const transcript = join(dataDir, `${SESSION}.jsonl`);
    writeFileSync(transcript, transcriptOf(SESSION, dataDir, ['said in the kitchen']));
    const stop = { transcript_path: transcript, cwd: dataDir, hook_event_name: 'Stop' };
    const keep = ['hook', 'stop', '--client', 'claude-code', '--space'];
    expect(await run([...keep, 'kitchen'], stop)).toMatchObject({ code: 0 });
    expect(await turnsIn('--space', 'kitchen')).toEqual(['said in the kitchen']);
    expect(await run([...keep, 'nowhere'], stop)).toMatchObject({ code: 0 });
    expect(await turnsIn()).toEqual([]);
  });

  test('has the calls of commands in the audit log, by the console', async () => {
    writeFileSync(join(dataDir, 'more.jsonl'), JSON.stringify({ text: 'imported' }));
    expect(await run(['import', join(dataDir, 'more.jsonl'), '--space', 'kitchen'])).toMatchObject({
      code: 0,
    });
    expect(await run(['add', 'dry', '--space', 'nowhere'])).not.toMatchObject({ code: 0 });
    const { stdout } = await run(['space', 'audit', '--json']);
    const { lines } = JSON.parse(stdout) as { lines: Readonly<Record<string, unknown>>[] };
    const said = lines.map(({ person, action, space, count }) => [person, action, space, count].join(' '));
    expect(said).toContain('console memory.add default 1');
    expect(said).toContain('console memory.add kitchen 1');
    expect(said.filter((line) => line.startsWith('console memory.import'))).toEqual([
      expect.stringMatching(/ kitchen 1$/),
    ]);
    expect(stdout).not.toMatch(/lantern|imported/);
  });

  test('is the space that doctor looks at', async () => {
    const { stdout } = await run(['doctor', '--space', 'kitchen', '--json']);
    const { findings } = JSON.parse(stdout) as { findings: { check: string; message: string }[] };
    const said = findings.map(({ check, message }) => `${check}: ${message}`).join('\n');
    expect(said).toMatch(/data folder: .*spaces.kitchen|folder: .*spaces.kitchen/);
    expect(said).toMatch(/database: intact/);
    const none = await run(['doctor', '--space', 'nowhere', '--json']);
    expect([none.code === 0, none.stdout]).toEqual([false, expect.stringContaining('"fail"')]);
  });

  test.each([
    ['user', 'list'],
    ['space', 'list'],
    ['token', 'list', 'ada'],
    ['completion', 'bash'],
    ['serve', '--http', '--port', '0'],
  ])('is refused by %s %s, which is not about one space', async (...args) => {
    const refused = await run([...args, '--space', 'kitchen']);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--space does not belong') as string,
    });
  });
});
