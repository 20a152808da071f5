import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Host } from '../host.ts';
import { type ClientDescription, clientList, type ClientEnvironment, SERVER_NAME } from './clients.ts';
import { editorFor } from './plan-change.ts';

/** The facts about this machine that help to find its clients. */
export function clientEnvironment({
  env,
  platform,
  homeDirectory,
  workingDirectory,
}: Host): ClientEnvironment {
  return { env, platform, homeDirectory, workingDirectory, listFolder };
}

function listFolder(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** The clients that are installed here, or were used. */
export function installedClients(environment: ClientEnvironment): ClientDescription[] {
  return clientList.filter((client) => existsSync(client.evidence(environment)));
}

/**
 * The server as the file of a client has it; undefined when it is not in there.
 * @param file of that client
 * @throws EditError, or the error of the file system
 */
export function configuredServer(client: ClientDescription, file: string): unknown {
  const servers = editorFor(client).servers(readFileSync(file, 'utf8'));
  return Object.hasOwn(servers, SERVER_NAME) ? (servers[SERVER_NAME] ?? null) : undefined;
}
