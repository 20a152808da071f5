import type { App } from '../app.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import { createLogger } from '../logger.ts';
import { guardStdout } from '../mcp/stdout-guard.ts';
import type { Host } from './host.ts';

/** Leaves the first moments to the handshake. */
const SYNC_DELAY_MS = 1_000;

/**
 * Serves MCP over stdin and stdout until the client goes away. Nothing but the protocol is written to stdout.
 * Imports late and little: how fast a client gets its first answer is decided here, so the services are not even
 * loaded before a call needs them.
 */
export async function serveStdio(host: Host, config: ResolvedConfig): Promise<void> {
  const stdout = guardStdout();
  for (const warning of config.warnings) host.stderr.write(`${warning}\n`);
  const { serveOverStdio } = await import('../mcp/serve-over-stdio.ts');
  let app: Promise<App> | undefined;
  const open = (): Promise<App> => (app ??= openApp(config));
  // An empty machine fills itself, and a remote is kept up to date, before anybody asks for a memory.
  if (config.settings.sync.enabled)
    setTimeout(() => void open().catch(() => undefined), SYNC_DELAY_MS).unref();
  await serveOverStdio({
    stdout,
    open,
    onClose: async () => (await app)?.close(),
    logger: createLogger({ level: config.settings.logLevel, format: config.settings.logFormat }),
  });
}

async function openApp({ settings }: ResolvedConfig): Promise<App> {
  const { createApp } = await import('../app.ts');
  const app = await createApp(settings);
  app.startBackground();
  return app;
}
