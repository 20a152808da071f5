import { type McpServer, type ReadResourceResult, ResourceTemplate } from '@modelcontextprotocol/server';
import type { McpServices } from './define-tool.ts';
import { DATA_NOTICE, renderHistory, renderMemory } from './render.ts';
import { statsData } from './tools/memory-stats.ts';

const RECENT = 20;

/** Memories that a user may attach to a conversation. */
export function registerResources(server: McpServer, { memory }: McpServices): void {
  server.registerResource(
    'stats',
    'memory://stats',
    {
      title: 'Memory statistics',
      description: 'Counts, tags, sources, state of the search',
      mimeType: 'application/json',
    },
    async (uri) =>
      contents(uri, 'application/json', JSON.stringify(statsData(await memory.stats()), null, 2)),
  );
  server.registerResource(
    'recent',
    'memory://recent',
    { title: 'Recent memories', description: `The ${RECENT} newest memories`, mimeType: 'text/plain' },
    async (uri) => {
      const { memories } = await memory.list({ limit: RECENT });
      return contents(
        uri,
        'text/plain',
        [DATA_NOTICE, ...memories.map((item) => renderMemory(item))].join('\n'),
      );
    },
  );
  server.registerResource(
    'item',
    new ResourceTemplate('memory://item/{id}', { list: undefined }),
    { title: 'One memory', description: 'A memory with its versions, by id', mimeType: 'text/plain' },
    async (uri, { id }) => {
      const [item] = await memory.get([String(id)]);
      return contents(uri, 'text/plain', item === undefined ? '' : `${DATA_NOTICE}\n${renderHistory(item)}`);
    },
  );
}

function contents(uri: URL, mimeType: string, text: string): ReadResourceResult {
  return { contents: [{ uri: uri.href, mimeType, text }] };
}
