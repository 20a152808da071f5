import { describe, expect, test } from 'vitest';
import { hideValues } from '../../../src/cli/clients/plan-change.ts';

const own = new Set(['npx', '-y', 'faiss-memory']);

describe('hideValues', () => {
  test.each([
    ['     "GITHUB_TOKEN": "ghp_0123456789"', '     "GITHUB_TOKEN": "…"'],
    [' GITHUB_TOKEN = "ghp_0123456789" # mine', ' GITHUB_TOKEN = "…" # mine'],
    [" key = 'ghp_0123456789'", " key = '…'"],
    ['-{"a":{"env":{"TOKEN":"ghp_01\\"23456789"}}}', '-{"a":{"env":{"TOKEN":"…"}}}'],
    ['     "args": ["--token", "ghp_0123456789"],', '     "args": ["--token", "…"],'],
    [
      '+    "faiss-memory": { "args": ["-y", "faiss-memory"] }',
      '+    "faiss-memory": { "args": ["-y", "faiss-memory"] }',
    ],
    [' [mcp_servers.another-server]', ' [mcp_servers.another-server]'],
    ['+[mcp_servers.faiss-memory]', '+[mcp_servers.faiss-memory]'],
    ['--- /home/ada/"quoted folder"/mcp.json', '--- /home/ada/"quoted folder"/mcp.json'],
  ])('%s', (line, expected) => {
    expect(hideValues(line, own)).toBe(expected);
  });
});
