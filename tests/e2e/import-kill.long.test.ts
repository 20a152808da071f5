import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { expect, test } from 'vitest';
import { PROGRAM, serverEnvironment, temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';

const FILES = 30;
const MESSAGES = 400;
/** Each makes the next run begin in the middle of the work. */
const KILLS = 6;
/** Part of the time of an import without kills. */
const KILLED_AFTER = 0.35;

/** Transcripts whose texts all differ, and facts. */
async function makeFolder(root: string): Promise<void> {
  mkdirSync(root);
  for (let file = 0; file < FILES; file += 1) {
    const stream = createWriteStream(join(root, `s${file}.jsonl`));
    for (let message = 0; message < MESSAGES; message += 1) {
      const content = `In session ${file} message ${message} says ${'some words '.repeat(20)}`;
      const type = message % 2 === 0 ? 'user' : 'assistant';
      const timestamp = new Date(Date.UTC(2026, 4, 3) + 1_000 * message).toISOString();
      const record = { type, sessionId: `s${file}`, timestamp, message: { role: type, content } };
      stream.write(`${JSON.stringify(record)}\n`);
    }
    stream.end();
    await finished(stream);
  }
}

test('an import that is killed again and again loses nothing and stores nothing twice', async () => {
  const dataDir = temporaryFolder();
  const folder = join(dataDir, 'transcripts');
  await makeFolder(folder);
  const stats = async (of: string): Promise<Record<string, unknown>> => {
    const { stdout, stderr, code } = await runProgram(['stats', '--json'], { dataDir: of });
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  const other = temporaryFolder();
  const start = performance.now();
  expect((await runProgram(['import', folder], { dataDir: other })).code).toBe(0);
  const undisturbedMs = performance.now() - start;
  let before = 0;
  let inTheMiddle = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const child = spawn(process.execPath, [PROGRAM, 'import', folder], {
      env: serverEnvironment(dataDir),
      stdio: 'ignore',
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), KILLED_AFTER * undisturbedMs);
    await once(child, 'close');
    clearTimeout(timer);
    const { turns = 0 } = (await stats(dataDir)) as { turns?: number };
    expect(turns).toBeGreaterThanOrEqual(before);
    if (turns > 0 && turns < FILES * MESSAGES) inTheMiddle += 1;
    before = turns;
  }
  expect(inTheMiddle).toBeGreaterThan(0);

  const whole = await runProgram(['import', folder, '--json'], { dataDir });
  expect(JSON.parse(whole.stdout)).toMatchObject({
    ...{ added: FILES * MESSAGES - before, existing: before, rejected: 0, conflicts: 0, updated: 0 },
  });
  const [killed, undisturbed] = [await stats(dataDir), await stats(other)];
  expect(killed).toMatchObject({ turns: FILES * MESSAGES, conversations: FILES, trash: 0 });
  expect(killed['content']).toMatch(/^(?!0+$)[0-9a-f]{64}$/);
  expect(killed['content']).toBe(undisturbed['content']);
  const { stdout } = await runProgram(['doctor', '--json'], { dataDir });
  const { findings } = JSON.parse(stdout) as { findings: { check: string; status: string }[] };
  expect(findings.find(({ check, status }) => check === 'database' && status !== 'ok')).toBeUndefined();
}, 600_000);
