import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { App } from '../app/app.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import { createLogger } from '../logger.ts';
import { serveClient } from '../mcp/serve-client.ts';
import { databaseName } from '../store/memory-store.ts';
import { visibleLine } from '../util/visible-text.ts';
import type { Host } from './host.ts';

/** How often an idle server looks whether another process has made the store; also its first look where no usual client says hello. */
const LOOK_EVERY_MS = 10_000;

/**
 * Serves MCP over stdin and stdout until the client goes away. Nothing but the protocol is written to stdout.
 * Imports late and little: how fast a client gets its first answer is decided here, so the services are not even
 * loaded before the client lists the tools or a call needs them.
 */
export async function serveStdio(host: Host, config: ResolvedConfig): Promise<void> {
  const stdout = guardStdout();
  for (const warning of config.warnings) host.stderr.write(`${visibleLine(warning)}\n`);
  let app: Promise<App> | undefined;
  const open = (): Promise<App> => (app ??= openApp(config));
  const openAhead = openUnasked(config, open);
  const { project, projectPackages: packages } = config.settings;
  await serveClient({
    stdout,
    open,
    onConnected: openAhead,
    prepare: () => {
      // A call that needs the services tells why they cannot be opened.
      open().then(
        (opened) => {
          opened.prepareSearch();
        },
        () => undefined,
      );
    },
    ...(project === '' ? { projectOf: (folders) => projectIn(folders, host, packages) } : {}),
    onClose: async () => (await app)?.close(),
    logger: createLogger({ level: config.settings.logLevel, format: config.settings.logFormat }),
  });
}

/** The first project among the folders; of a client that names none, that of the folder in which it started the server. */
async function projectIn(folders: readonly string[], host: Host, packages: boolean): Promise<string | null> {
  const { projectOf } = await import('../util/git-project.ts');
  for (const folder of folders.length === 0 ? [host.workingDirectory] : folders) {
    const project = await projectOf(folder, { packages });
    if (project !== null) return project;
  }
  return null;
}

/**
 * Opens the services before the first call, so that it need not wait for them, and because there is work in the
 * background: memories may lack embeddings, the trash is emptied in time, an empty machine fills itself, a remote is
 * kept up to date. Without memories and without a remote the services stay closed until the client lists the tools.
 * @returns looks now
 */
function openUnasked({ settings }: ResolvedConfig, open: () => Promise<App>): () => void {
  const { sync, dataDir, store } = settings;
  const look = (): void => {
    clearTimeout(timer);
    if (sync.enabled || existsSync(join(dataDir, databaseName(store)))) void open().catch(() => undefined);
    else timer = setTimeout(look, LOOK_EVERY_MS).unref();
  };
  let timer = setTimeout(look, LOOK_EVERY_MS).unref();
  return look;
}

async function openApp({ settings }: ResolvedConfig): Promise<App> {
  const { startApp } = await import('../app/start-app.ts');
  const app = await startApp(settings, { isAudited: settings.team.enabled });
  app.startBackground();
  return app;
}

/**
 * Keeps stdout for the protocol: the output of a dependency or of a forgotten console.log goes to stderr from now on.
 * @returns the one way to the real stdout; its `error` tells that the reader is gone
 */
function guardStdout(): Writable {
  const { stdout, stderr } = process;
  const writeReally = stdout.write.bind(stdout);
  const guarded = new Writable({
    decodeStrings: false,
    write(chunk: string | Uint8Array, _encoding, callback) {
      writeReally(chunk, (error) => {
        callback(error);
      });
    },
  });
  stdout.write = stderr.write.bind(stderr);
  // Without listeners, a pipe that was closed on the other side would end the process in the middle of its work.
  stdout.on('error', (error: Error) => guarded.destroy(error));
  stderr.on('error', () => undefined);
  return guarded;
}
