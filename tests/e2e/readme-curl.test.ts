import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { startServer } from '../helpers/http-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';

const MARK = '=== end of a line ===';

/** The commands of the README's section, one a line. */
function readCommands(): string[] {
  const readme = readFileSync('README.md', 'utf8');
  const [, section = ''] = readme.split('## A server for several machines\n');
  const [, block = ''] = /```bash\n(.*?)```/s.exec(section) ?? [];
  return block.trim().split('\n');
}

/** Runs commands in one shell. @returns what each has printed */
async function runLines(lines: readonly string[]): Promise<string[]> {
  const shell = spawn('bash', ['-s'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const output = text(shell.stdout);
  shell.stdin.end(lines.map((line) => `${line}\necho '${MARK}'\n`).join(''));
  await once(shell, 'close');
  return (await output).split(`${MARK}\n`).slice(0, -1);
}

/** What each command must print, in order. */
const EXPECTED: readonly RegExp[] = [
  /^{"status":"ok","live":true,"ready":true,"store":{"status":"ok"}/,
  /^{"id":"[0-9a-f-]{36}","outcome":"added"(,"compared":false)?}$/,
  /^{"hits":\[{"id":"[0-9a-f-]{36}","text":"The staging server is 10\.20\.0\.5",.*"words":\["staging"\]/,
  /^{"enabled":true,"relation":"(ahead|unknown|in-sync)",.*"mode":"backup"/,
  /^{"snapshot":"manual_\d{8}_\d{6}","backup":"written","memories":1,.*"uploaded":true/,
  /^(event: progress\ndata: {"step":.*\n\n)*event: result\ndata: {"snapshot":"manual_.*"uploaded":true/,
  /^{"snapshots":\[{"name":"[\w-]+",.*"memories":1,/,
  /^$/,
  /^{.*"status":409,.*"code":"CONFIRMATION_NEEDED",.*"fix":"Repeat the request with confirm=true.*"dry_run":{"mode":"replace","applied":false/,
  /^{"mode":"replace","applied":true,/,
  /^{"mode":"merge","applied":(true|false),/,
];

test('the sync workflow of the README works line by line', async () => {
  const { address } = await startServer({
    env: { CLOUD_SYNC_ENABLED: 'true', CLOUD_SYNC_PROVIDER: 'folder', CLOUD_SYNC_BUCKET: temporaryFolder() },
  });
  const commands = readCommands();
  expect(commands).toHaveLength(EXPECTED.length);
  const { host } = new URL(address);
  const printed = await runLines(commands.map((command) => command.replaceAll('localhost:8765', host)));
  expect(printed).toHaveLength(EXPECTED.length);
  for (const [index, output] of printed.entries())
    expect(output.trim(), commands[index]).toMatch(EXPECTED[index] ?? '');
});
