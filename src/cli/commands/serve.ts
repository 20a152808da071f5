import { defineCommand } from '../command.ts';
import { serveStdio } from '../serve-stdio.ts';

export const serveCommand = defineCommand({
  name: 'serve',
  summary: 'run the MCP server over stdin and stdout',
  details: 'What MCP clients start. Without any arguments and without a terminal the program does the same.',
  arguments: [],
  options: {},
  examples: [
    ['faiss-memory serve', 'as written into a client by "faiss-memory init"'],
    [
      'faiss-memory serve --data-dir ~/memories/work --set project=website',
      'another folder, and a project for new memories',
    ],
  ],
  ownsStdout: () => true,
  run: async (context) => {
    context.releaseSignals();
    await serveStdio(context.host, context.config());
    return undefined;
  },
});
