import { fileURLToPath } from 'node:url';
import type { McpServer, ServerContext } from '@modelcontextprotocol/server';
import type { ServerParts } from '../api/services.ts';
import { settleWithin } from '../util/concurrency.ts';

/** Clients answer at once; one that does not must not delay a call for long. */
const ROOTS_LIMIT_MS = 1_000;
const MOST_ROOTS = 20;

/** Of each connection, which asks its client once, and again when the client says that its folders changed. */
const found = new WeakMap<McpServer, Promise<string | null>>();

/**
 * The project that a client works in: of its roots, else of the folder in which it started the server.
 * @returns null = in none; undefined where the settings say it, and for clients that share a server over HTTP
 */
export async function currentProject(
  server: McpServer,
  context: ServerContext,
  { projectOf }: Pick<ServerParts, 'projectOf'>,
): Promise<string | null | undefined> {
  if (projectOf === undefined) return undefined;
  const known = found.get(server);
  if (known !== undefined) return known;
  const finding = findProject(server, context, projectOf).catch(() => null);
  found.set(server, finding);
  return finding;
}

async function findProject(
  server: McpServer,
  { mcpReq }: ServerContext,
  projectOf: NonNullable<ServerParts['projectOf']>,
): Promise<string | null> {
  // The protocol of 2026-07-28 has no requests to clients, and its clients start the server in the folder of the work.
  const folders = mcpReq.envelope === undefined ? await rootsOf(server) : [];
  return projectOf(folders);
}

/** The folders that a client names; empty when it cannot, or does not answer in time. */
async function rootsOf({ server }: McpServer): Promise<string[]> {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only source in the protocols before 2026-07-28
  if (server.getClientCapabilities()?.roots === undefined) return [];
  try {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- as above
    const answer = await settleWithin(server.listRoots(), ROOTS_LIMIT_MS);
    return (answer?.roots ?? []).slice(0, MOST_ROOTS).flatMap(({ uri }) => pathOf(uri));
  } catch {
    return [];
  }
}

function pathOf(uri: string): string[] {
  try {
    return [fileURLToPath(uri)];
  } catch {
    return [];
  }
}

/** Asks the client again, at the next call. */
export function followRoots(mcp: McpServer): void {
  mcp.server.setNotificationHandler('notifications/roots/list_changed', () => {
    found.delete(mcp);
  });
}
