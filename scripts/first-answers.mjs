// Asks the built server for the answers that every client gets, and keeps them in a file of the program. The server
// itself gives them, so they are never older than it is; see src/mcp/first-answers.ts.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';

/** @param {string} entry the built program, which must not have the file yet */
export function writeFirstAnswers(entry, file) {
  const initialize = {};
  const lists = new Set();
  for (const version of SUPPORTED_PROTOCOL_VERSIONS) {
    const [connected, listed] = ask(entry, version);
    if (connected.protocolVersion !== version) continue;
    initialize[version] = JSON.stringify(connected);
    lists.add(JSON.stringify(listed));
  }
  const [tools] = lists;
  if (lists.size !== 1)
    throw new Error(`tools/list has ${lists.size} answers; one for all versions was expected`);
  writeFileSync(file, JSON.stringify({ initialize, tools }));
}

function ask(entry, protocolVersion) {
  const dataDir = mkdtempSync(join(tmpdir(), 'faiss-memory-build-'));
  try {
    const clientInfo = { name: 'build', version: '1' };
    const messages = [
      { id: 1, method: 'initialize', params: { protocolVersion, capabilities: {}, clientInfo } },
      { method: 'notifications/initialized' },
      { id: 2, method: 'tools/list' },
    ];
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [entry], {
      input: messages.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join(''),
      // Nothing of the user who builds counts, least of all a remote.
      env: { PATH: process.env.PATH, HOME: dataDir, USERPROFILE: dataDir, MEMORY_DATA_DIR: dataDir },
      encoding: 'utf8',
      timeout: 60_000,
    });
    const answers = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const results = [1, 2].map((id) => answers.find((answer) => answer.id === id)?.result);
    if (status !== 0 || results.includes(undefined))
      throw new Error(`The built server failed (${status ?? signal}): ${stdout}${stderr}`);
    return results;
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}
