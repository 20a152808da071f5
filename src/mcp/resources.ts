import {
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type ReadResourceResult,
  ResourceNotFoundError,
  ResourceTemplate,
} from '@modelcontextprotocol/server';
import { NotFoundError } from '../errors/input-errors.ts';
import type { MemoryApi } from '../memory/memory-api.ts';
import { boundText } from '../api/answer-size.ts';
import { partOf } from '../api/memory-parts.ts';
import { renderPart } from './shown-memories.ts';
import { renderPage } from './render.ts';
import type { ServerParts } from '../api/services.ts';
import { briefStatsData } from '../api/memory-answers.ts';
import { errorSentence, isUnexpected } from '../api/errors.ts';

const RECENT = 20;
const MAX_COMPLETIONS = 20;
/** Memories that a completion looks through: ids begin with their time, so the newest are the likeliest. */
const COMPLETED_AMONG = 200;

/** Memories that a user may attach to a conversation. */
export function registerResources(server: McpServer, parts: ServerParts): void {
  const read = reader(parts);
  server.registerResource(
    'stats',
    'memory://stats',
    { title: 'Memory statistics', description: 'Counts, tags, sources', mimeType: 'application/json' },
    read('application/json', async (memory) => JSON.stringify(briefStatsData(await memory.stats()), null, 2)),
  );
  server.registerResource(
    'recent',
    'memory://recent',
    { title: 'Recent memories', description: `The ${RECENT} newest memories`, mimeType: 'text/plain' },
    read('text/plain', async (memory) =>
      renderPage(await memory.list({ limit: RECENT }), { zone: memory.timeZone }),
    ),
  );
  server.registerResource(
    'item',
    new ResourceTemplate('memory://item/{id}', {
      list: undefined,
      complete: { id: (beginning) => completeId(parts, beginning) },
    }),
    { title: 'One memory', description: 'A whole memory by id', mimeType: 'text/plain' },
    (uri, { id }) =>
      read('text/plain', async (memory) => {
        const part = partOf(await memory.get([String(id)]), undefined);
        return renderPart(part, memory.timeZone);
      })(uri),
  );
}

type Read = (memory: MemoryApi) => Promise<string>;

/** Opens the services and turns their errors into protocol errors. */
function reader({ open, logger }: ServerParts) {
  return (mimeType: string, readText: Read) =>
    async (uri: URL): Promise<ReadResourceResult> => {
      try {
        const { memory } = await open();
        return { contents: [{ uri: uri.href, mimeType, text: boundText(await readText(memory)) }] };
      } catch (error) {
        if (error instanceof NotFoundError) throw new ResourceNotFoundError(uri.href);
        if (isUnexpected(error)) logger.error('a resource failed', { uri: uri.href }, error);
        throw new ProtocolError(ProtocolErrorCode.InternalError, errorSentence(error));
      }
    };
}

async function completeId({ open }: ServerParts, beginning: string): Promise<string[]> {
  const { memory } = await open();
  const { memories } = await memory.list({ limit: COMPLETED_AMONG });
  return memories
    .map(({ id }) => id)
    .filter((id) => id.startsWith(beginning))
    .slice(0, MAX_COMPLETIONS);
}
