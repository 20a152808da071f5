import type { Writable } from 'node:stream';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { settleWithin } from '../util/concurrency.ts';
import { watchClient } from './client-gone.ts';
import type { ServerParts } from '../api/services.ts';
import { buildServer } from './server.ts';
import { StdioTransport } from './stdio-transport.ts';

/** How long calls may take that were piped in, while nobody ends the process: a model may be loading. */
const PIPED_LIMIT_MS = 30_000;
/** Together under the 2 seconds that clients wait before they kill. */
const FINISH_LIMIT_MS = 1_200;
const CLOSE_LIMIT_MS = 500;

export interface StdioParts extends ServerParts {
  /** From `guardStdout`, called before anything else could print. */
  readonly stdout: Writable;
  /** Called once, when the client is gone and its calls are finished; gets half a second. */
  readonly onClose: () => Promise<void>;
}

/**
 * Serves one client until it is gone, see `watchClient`. At the end of input, calls under way are finished for at most
 * half a minute; once the client is gone for good, for a moment. Resolves at most two seconds after that; then the
 * process may exit whatever is still going on.
 */
export async function serveOverStdio(parts: StdioParts): Promise<void> {
  const { logger, onClose, stdout } = parts;
  const { silent, killed } = watchClient(stdout);
  const transport = new StdioTransport(process.stdin, stdout);
  const connection = serveStdio(() => buildServer(parts), {
    transport,
    onerror: (error) => {
      logger.warn('a message could not be handled', {}, error);
    },
  });
  await silent;
  await settleWithin(Promise.race([transport.answered(), killed]), PIPED_LIMIT_MS);
  await settleWithin(transport.answered(), FINISH_LIMIT_MS);
  await settleWithin(connection.close().then(onClose), CLOSE_LIMIT_MS);
}
