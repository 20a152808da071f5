import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { format } from 'prettier';
import { describe, expect, test } from 'vitest';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';

async function startServer(): Promise<RawServer> {
  const server = new RawServer(temporaryFolder());
  await server.initialize();
  return server;
}

function tokens(value: unknown): number {
  return encode(typeof value === 'string' ? value : JSON.stringify(value)).length;
}

interface ListedTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: object;
}

/** As in docs, so that the pinned file can be formatted like every other. */
function pinned(value: unknown): Promise<string> {
  return format(JSON.stringify(value), { parser: 'json', printWidth: 110 });
}

describe('the surface that clients see', () => {
  test('is the pinned one; after a wanted change: npx vitest run tests/surface -u', async () => {
    const server = await startServer();
    const { tools } = await server.request('tools/list');
    const { prompts } = await server.request('prompts/list');
    const { resources } = await server.request('resources/list');
    const { resourceTemplates } = await server.request('resources/templates/list');
    const surface = { tools, prompts, resources, resourceTemplates };
    await expect(await pinned(surface)).toMatchFileSnapshot('./mcp-surface.json');
  });

  test('costs an agent little: the tools, the whole list, the instructions', async () => {
    const server = new RawServer(temporaryFolder());
    const { instructions } = await server.initialize();
    const tools = (await server.request('tools/list'))['tools'] as ListedTool[];
    // What clients put before the model; output schemas stay with the client.
    const shown = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
    expect(tools).toHaveLength(10);
    expect(tokens(shown)).toBeLessThanOrEqual(1_500);
    expect(tokens(tools)).toBeLessThanOrEqual(2_600);
    expect(tokens(instructions)).toBeLessThanOrEqual(150);
  });

  test('costs at most 500 tokens for five hits of 60 tokens each', async () => {
    const server = await startServer();
    const memories = Array.from({ length: 5 }, (_, index) => ({
      text:
        `Decision ${index}: billing moves off cluster A to cluster B in week ${30 + index}, since TLS certs there ` +
        'renew on their own. Ada writes the runbook, Bob tells customers 2 days ahead, A stays up 1 month ' +
        'for a rollback; then we cut its DNS, and drop it.',
    }));
    for (const { text } of memories) expect(tokens(text)).toBeGreaterThanOrEqual(60);
    await server.call('memory_add', { memories });
    const found = await server.call('memory_search', { query: 'when does billing move?', mode: 'keyword' });
    for (const { text } of memories) expect(found.text).toContain(text);
    // Ids are random, and cost 19 to 29 tokens; in the mean 24.
    const withoutIds = found.text.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '');
    expect(tokens(withoutIds) + 5 * 24).toBeLessThanOrEqual(500);
  });
});
