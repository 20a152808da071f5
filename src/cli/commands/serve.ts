import { UsageError } from '../../errors/input-errors.ts';
import { defineCommand, toggle, value } from '../command.ts';
import { serveStdio } from '../serve-stdio.ts';

export const serveCommand = defineCommand({
  name: 'serve',
  summary: 'run the server: MCP over stdin and stdout, or over HTTP with a REST API and a web page',
  details:
    'Without options it is what MCP clients start; without any arguments and without a terminal the program does ' +
    'the same. With --http it listens at 127.0.0.1 until it is stopped; any other address needs a token, see ' +
    'MEMORY_HTTP_TOKEN.',
  arguments: [],
  options: {
    http: toggle('--http', 'serve HTTP: MCP at /mcp and /sse, the REST API, and a web page at /'),
    host: value('--host <address>', 'with --http: address to listen at, default 127.0.0.1'),
    port: value('--port <number>', 'with --http: port to listen at, default 8765; 0 takes a free one'),
  },
  examples: [
    ['faiss-memory serve', 'as written into a client by "faiss-memory init"'],
    [
      'faiss-memory serve --data-dir ~/memories/work --set project=website',
      'another folder, and a project for new memories',
    ],
    ['faiss-memory serve --http', 'then open http://127.0.0.1:8765 in a browser'],
    [
      'MEMORY_HTTP_TOKEN_FILE=/run/secrets/token faiss-memory serve --http --host 0.0.0.0',
      'for the machines of the network',
    ],
  ],
  ownsStdout: ({ options }) => !options.http,
  run: async (context, { options: { http, host, port } }) => {
    if (!http && (host !== undefined || port !== undefined)) {
      throw new UsageError('--host and --port belong to --http', 'Add --http.');
    }
    context.releaseSignals();
    if (!http) {
      await serveStdio(context.host, context.config());
      return undefined;
    }
    const { settings } = context.configWith({
      ...(host === undefined ? {} : { 'http.host': host }),
      ...(port === undefined ? {} : { 'http.port': port }),
    });
    if (settings.team.enabled && context.flagValues['space'] !== undefined) {
      throw new UsageError(
        '--space does not belong to a server for a team, which serves all spaces',
        'Leave it out; a client names its space in the address: /mcp/<space>.',
      );
    }
    const { serveHttp } = await import('../serve-http.ts');
    await serveHttp(context.output, settings, context.host.env);
    return undefined;
  },
});
