import { type McpServer, ResourceTemplate } from '@modelcontextprotocol/server';
import { PNG } from './fixture-contents.ts';

export function registerFixtureResources(server: McpServer): void {
  const text = (uri: string, content: string): void => {
    server.registerResource(uri, uri, { mimeType: 'text/plain' }, () => ({
      contents: [{ uri, mimeType: 'text/plain', text: content }],
    }));
  };
  text('test://static-text', 'This is the content of the static text resource.');
  text('test://watched-resource', 'Nothing ever happens here.');
  server.registerResource('binary', 'test://static-binary', { mimeType: PNG.mimeType }, ({ href: uri }) => ({
    contents: [{ uri, mimeType: PNG.mimeType, blob: PNG.data }],
  }));
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined });
  server.registerResource(
    'template',
    template,
    { mimeType: 'application/json' },
    ({ href: uri }, { id }) => ({
      contents: [
        {
          uri,
          mimeType: 'application/json',
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
        },
      ],
    }),
  );
  server.server.setRequestHandler('resources/subscribe', () => ({}));
  server.server.setRequestHandler('resources/unsubscribe', () => ({}));
}
