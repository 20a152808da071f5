import type { LaunchCommand } from './client.ts';

/** Name of the server in every client. */
export const SERVER_NAME = 'faiss-memory';

/** Starts the published package with the npx that comes with Node. On Windows npx is a script, which needs a shell. */
export function defaultLaunchCommand(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string>> = {},
): LaunchCommand {
  const npx = ['npx', '-y', 'faiss-memory'];
  const [command = 'npx', ...args] = platform === 'win32' ? ['cmd', '/c', ...npx] : npx;
  return { command, args, ...(Object.keys(env).length === 0 ? {} : { env }) };
}
