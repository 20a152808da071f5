import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { editHooks, hookClients } from '../../src/cli/clients/client-hooks.ts';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { PROGRAM, temporaryFolder, WITH_MODEL } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';

interface Finding {
  readonly check: string;
  readonly status: string;
  readonly message: string;
  readonly fix?: string;
}

async function hookFindings(dataDir: string): Promise<Finding[]> {
  const { stdout } = await runProgram(['doctor', '--json'], { dataDir });
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return findings.filter(({ check }) => check.startsWith('hooks'));
}

/** Writes the hooks of a client into its file, as `init` does. */
function setHooks(home: string, client: string, { program = PROGRAM, without = '' } = {}): void {
  const hooks = hookClients.find((one) => one.client === client);
  if (hooks === undefined) throw new Error(`no ${client}`);
  const environment = { env: {}, platform: process.platform, homeDirectory: home, workingDirectory: home };
  const file = hooks.file({ ...environment, listFolder: () => [] });
  const text = editHooks('', hooks, { command: process.execPath, args: [program] });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text.replace(without, without === '' ? '' : 'OtherEvent'));
}

test('doctor says nothing about hooks where there are none', async () => {
  expect(await hookFindings(temporaryFolder())).toEqual([]);
});

test('doctor runs what the hooks of clients call, and names what is missing and what helps', async () => {
  const dataDir = temporaryFolder();
  setHooks(dataDir, 'claude-code');
  setHooks(dataDir, 'codex', { program: join(dataDir, 'faiss-memory', 'gone.mjs') });
  setHooks(dataDir, 'gemini-cli', { without: 'BeforeAgent' });
  const plugin = join(dataDir, '.cursor', 'plugins', 'local', 'faiss-memory');
  mkdirSync(plugin, { recursive: true });
  copyFileSync(join('integrations', 'cursor', 'start.mjs'), join(plugin, 'start.mjs'));
  const found = new Map((await hookFindings(dataDir)).map((finding) => [finding.check, finding]));
  expect(found.get('hooks of Claude Code')).toMatchObject({
    status: 'ok',
    message: expect.stringContaining('at 5 events, and it runs') as string,
  });
  expect(found.get('hooks of Codex')).toMatchObject({
    status: 'warn',
    message: expect.stringContaining('gone.mjs, but') as string,
    fix: 'Run "faiss-memory init --client codex --hooks on".',
  });
  expect(found.get('hooks of Gemini CLI')).toMatchObject({
    status: 'warn',
    message: expect.stringContaining('calls nothing at BeforeAgent') as string,
    fix: 'Run "faiss-memory init --client gemini-cli --hooks on".',
  });
  expect(found.get('hooks of Cursor')).toMatchObject({
    status: 'warn',
    message: expect.stringContaining('start.mjs, but it finds no program') as string,
    fix: expect.stringContaining('faiss-memory init') as string,
  });
  expect(found.get('hooks')).toMatchObject({ message: expect.stringContaining('no server') as string });
  // What the fixes write.
  setHooks(dataDir, 'codex');
  setHooks(dataDir, 'gemini-cli');
  const fixed = (await hookFindings(dataDir)).filter(({ status }) => status !== 'ok');
  expect(fixed.map(({ check }) => check)).toEqual(['hooks of Cursor']);
});

test('doctor sees the running server that hooks ask', async () => {
  const dataDir = temporaryFolder();
  setHooks(dataDir, 'claude-code');
  await runProgram(['add', 'Ada drinks tea'], { dataDir });
  const server = new RawServer(dataDir, WITH_MODEL);
  await server.initialize();
  await server.call('memory_search', { query: 'tea' });
  const findings = await hookFindings(dataDir);
  expect(findings.at(-1)).toMatchObject({
    check: 'hooks',
    message: expect.stringContaining('a running server answers') as string,
  });
});
