import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hookClients } from '../../src/cli/clients/client-hooks.ts';
import { clientList } from '../../src/cli/clients/clients.ts';
import { BRIEF_TOKENS } from '../../src/recall/brief.ts';
import { PROMPT_TOKENS } from '../../src/recall/prompt-recall.ts';
import { CLIENTS } from '../helpers/hooks/agent-clients.ts';

const page = readFileSync('docs/hooks.md', 'utf8');

/** The section of a client. */
function section(title: string): string {
  return page.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? '';
}

test('the page about hooks has a section for each client, with the file that init writes and its events', () => {
  const environment = {
    env: {},
    platform: 'linux',
    homeDirectory: '~',
    workingDirectory: '/',
    listFolder: () => [],
  } as const;
  for (const { client, file, events } of hookClients) {
    const text = section(clientList.find(({ name }) => name === client)?.title ?? '');
    expect(text, client).toContain(file(environment));
    if (client === 'claude-code' || client === 'gemini-cli')
      for (const event of Object.keys(events)) expect(text).toContain(event);
  }
});

test('it names the versions that the tests run', () => {
  const titles = {
    'claude-code': 'Claude Code',
    codex: 'Codex',
    'gemini-cli': 'Gemini CLI',
    opencode: 'OpenCode',
  };
  for (const [name, title] of Object.entries(titles))
    expect(section(title)).toContain(`Tested with ${CLIENTS[name as keyof typeof CLIENTS].version}`);
});

test('it names the limits of the program', () => {
  expect(page).toContain(`${BRIEF_TOKENS} tokens`);
  expect(page).toContain(`${PROMPT_TOKENS} tokens`);
});
