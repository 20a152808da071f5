import { Client } from '@modelcontextprotocol/client';
import { InMemoryTransport } from '@modelcontextprotocol/server';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createLogger } from '../../../src/logger.ts';
import { buildServer } from '../../../src/mcp/server.ts';
import { fakeServices } from '../../helpers/fake-services.ts';

test('a search is prepared when a client lists the tools or calls one, and not when it says hello', async () => {
  const prepare = vi.fn();
  const services = fakeServices({ memory: { list: () => Promise.resolve({ memories: [], total: 0 }) } });
  const logger = createLogger({ level: 'error', write: () => undefined });
  const server = buildServer({ open: () => Promise.resolve(services), prepare, logger });
  const client = new Client({ name: 'test', version: '1' });
  const [near, far] = InMemoryTransport.createLinkedPair();
  await Promise.all([server.connect(far), client.connect(near)]);
  onTestFinished(() => client.close());
  await client.listPrompts();
  await client.listResources();
  expect(prepare).not.toHaveBeenCalled();
  await client.listTools();
  expect(prepare).toHaveBeenCalled();
  prepare.mockClear();
  await client.callTool({ name: 'memory_list', arguments: {} });
  expect(prepare).toHaveBeenCalled();
});
