import { defineCommand, oneOf } from '../command.ts';
import { HOOK_CLIENTS, HOOK_EVENTS } from '../hooks/hook-input.ts';
import { runHook } from '../hooks/run-hook.ts';

export const hookCommand = defineCommand({
  name: 'hook',
  summary: 'answer a hook of an agent; clients call it, with JSON on stdin',
  details:
    'At the start of a session it prints a brief, at a prompt the few memories that are close, at the other events it ' +
    'keeps the new turns of the session. It prints nothing on any trouble and always ends with success, so that it ' +
    'never fails a session; with MEMORY_LOG_LEVEL=debug it says on stderr why. It loads no model: the running server ' +
    'of the data folder answers. "faiss-memory init --hooks on" tells the clients to call it.',
  arguments: [{ name: '<event>', doc: 'the moment of the session', choices: [...HOOK_EVENTS] }],
  options: {
    client: oneOf(
      '--client <name>',
      [...HOOK_CLIENTS],
      'the client that calls (default: told from its input)',
    ),
  },
  examples: [
    [
      'echo \'{"prompt":"where does staging run?","cwd":"/home/me/shop"}\' | faiss-memory hook prompt',
      'show what a prompt brings up',
    ],
    ['echo \'{"cwd":"/home/me/shop"}\' | faiss-memory hook session-start', 'show the brief of a project'],
  ],
  ownsStdout: () => true,
  run: async ({ host }, { args, options: { client } }) => {
    await runHook([...args, ...(client === undefined ? [] : ['--client', client])], host);
    return undefined;
  },
});
