import { McpServer } from '@modelcontextprotocol/server';
import { expect, test } from 'vitest';
import { createLogger } from '../../../src/logger.ts';
import { EventStreamSessions } from '../../../src/mcp/event-stream-sessions.ts';

const parts = {
  open: () => Promise.reject(new Error('not asked for')),
  logger: createLogger({ level: 'error' }),
};
const workspace = { parts, access: 'write', key: 'somebody' } as const;

test('takes no message that arrives when its stream has ended', async () => {
  const sessions = new EventStreamSessions(() => new McpServer({ name: 'a', version: '1' }));
  const { body } = await sessions.open(workspace, '/messages');
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  const [, path = ''] = /data: (\S+)/.exec((await reader?.read())?.value ?? '') ?? [];
  const upload = new TransformStream<Uint8Array, Uint8Array>();
  const request = new Request(`http://localhost${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: upload.readable,
    duplex: 'half',
  });
  const answering = sessions.receive(request, workspace);
  await reader?.cancel();
  const writer = upload.writable.getWriter();
  await writer.write(new TextEncoder().encode('{"jsonrpc":"2.0","id":1,"method":"ping"}'));
  await writer.close();
  expect((await answering).status).toBe(404);
  // Nobody waits for the answer of a call that was not taken.
  await sessions.answered();
});
