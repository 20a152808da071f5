import { describe, expect, test } from 'vitest';
import { editHooks, hookCalls, hookClients, hookGroups } from '../../../src/cli/clients/client-hooks.ts';
import { EditError } from '../../../src/cli/clients/config-editor.ts';

const LAUNCH = { command: '/usr/bin/node', args: ['/home/ann/app/faiss-memory.mjs'] };

function hooksOf(client: string): (typeof hookClients)[number] {
  const found = hookClients.find((one) => one.client === client);
  if (found === undefined) throw new Error(`no ${client}`);
  return found;
}

describe.each(hookClients.map(({ client }) => client))('the hooks of %s', (client) => {
  const hooks = hooksOf(client);

  test('come into an empty file once, and go again', () => {
    const set = editHooks('', hooks, LAUNCH);
    const words = [LAUNCH.command, ...LAUNCH.args];
    expect(hookCalls(set)).toEqual(Object.keys(hooks.events).map((event) => ({ event, words })));
    expect(Object.keys((JSON.parse(set) as { hooks: object }).hooks)).toEqual(Object.keys(hooks.events));
    expect(editHooks(set, hooks, LAUNCH)).toBe(set);
    const removed = editHooks(set, hooks, undefined);
    expect(hookCalls(removed)).toEqual([]);
    expect(JSON.parse(removed)).toEqual(hooks.members);
  });

  test('leave comments, settings and the hooks of others as they are', () => {
    const [event = ''] = Object.keys(hooks.events);
    const other = hooks.grouped
      ? { hooks: [{ type: 'command', command: 'say hello' }] }
      : { command: 'say hello' };
    const text = `{\n  // mine\n  "model": "x",\n  "hooks": {\n    "${event}": [${JSON.stringify(other)}],\n    "Other": []\n  }\n}\n`;
    const set = editHooks(text, hooks, LAUNCH);
    expect(set).toContain('// mine');
    const { hooks: present } = JSON.parse(set.replace('// mine', '')) as { hooks: Record<string, unknown[]> };
    expect(present[event]?.[0]).toEqual(other);
    expect(present[event]).toHaveLength(2);
    expect(present['Other']).toEqual([]);
    expect(editHooks(set, hooks, undefined)).toBe(text);
  });

  test('take the place of those of an older installation', () => {
    const old = editHooks('', hooks, { command: 'node', args: ['/old/faiss-memory.mjs'] });
    const set = editHooks(old, hooks, LAUNCH);
    expect(set).not.toContain('/old/');
    expect(set).toBe(editHooks('', hooks, LAUNCH));
  });

  test('refuse a file that they cannot read', () => {
    expect(() => editHooks('{"hooks": {', hooks, LAUNCH)).toThrow(EditError);
  });
});

test('a hook has the space of the memories as an argument', () => {
  const launch = { command: 'node', args: ['program.mjs'], env: { MEMORY_SPACE: 'kitchen' } };
  expect(JSON.stringify(hookGroups(hooksOf('codex'), launch)['Stop'])).toContain(
    'hook stop --client codex --space kitchen',
  );
});

test('a hook has the folder of the memories as an argument, and paths with spaces in quotes', () => {
  const launch = {
    command: '/opt/my node/node',
    args: ['/home/ann/app/faiss-memory.mjs'],
    env: { MEMORY_DATA_DIR: '/home/ann/my memories' },
  };
  expect(JSON.stringify(hookGroups(hooksOf('claude-code'), launch)['Stop'])).toContain(
    '"args":["/home/ann/app/faiss-memory.mjs","hook","stop","--client","claude-code","--data-dir","/home/ann/my memories"]',
  );
  expect(hookGroups(hooksOf('codex'), launch)['Stop']).toEqual([
    {
      hooks: [
        {
          type: 'command',
          command:
            '"/opt/my node/node" /home/ann/app/faiss-memory.mjs hook stop --client codex --data-dir "/home/ann/my memories"',
          timeout: 30,
        },
      ],
    },
  ]);
});

test('clients get seconds or milliseconds, as they read them', () => {
  expect(JSON.stringify(hookGroups(hooksOf('gemini-cli'), LAUNCH)['SessionEnd'])).toContain(
    '"timeout":10000',
  );
  expect(JSON.stringify(hookGroups(hooksOf('codex'), LAUNCH)['SessionEnd'])).toContain('"timeout":3}');
});
