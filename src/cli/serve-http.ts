import { readFileSync } from 'node:fs';
import { type Callers, openCallers, publicUrlOf } from '../app/callers.ts';
import { startApp } from '../app/start-app.ts';
import type { Team, TeamSurroundings } from '../app/team.ts';
import type { Settings } from '../config/schema.ts';
import { wordsOf } from '../config/setting.ts';
import { ConfigurationError } from '../errors/input-errors.ts';
import { startHttpServer } from '../http/http-server.ts';
import type { HttpSettings } from '../http/http-environment.ts';
import { createLogger } from '../logger.ts';
import type { Output } from './output.ts';

const MEBIBYTE = 1_024 ** 2;
/** How long requests under way may take when the server is asked to stop. */
const FINISH_LIMIT_MS = 20_000;
/** How long the last backup may take after that. */
const EXIT_BACKUP_MS = 10_000;

/** Serves HTTP until the process is asked to stop; then requests under way and the running backup are finished. */
export async function serveHttp(output: Output, settings: Settings): Promise<void> {
  const logger = createLogger({ level: settings.logLevel, format: settings.logFormat });
  const announce = (text: string): void => {
    if (settings.logFormat === 'text') output.note(text);
    else createLogger({ level: 'info', format: settings.logFormat }).info(text);
  };
  const app = await startApp(settings.team.enabled ? { ...settings, space: '' } : settings, {
    logger,
    exitBackupMs: EXIT_BACKUP_MS,
  });
  const team = settings.team.enabled ? await openTeam(settings, { main: app, logger }) : undefined;
  let callers: Callers | undefined;
  try {
    const open = (): Promise<typeof app> => Promise.resolve(app);
    callers = await openCallers(settings, logger);
    const server = await startHttpServer({
      signIn: callers.signIn,
      authenticators: [...callers.authenticators, ...(team === undefined ? [] : [team.authenticator])],
      spaces: team,
      open,
      prepare: () => {
        app.prepareSearch();
      },
      logger,
      settings: toHttpSettings(settings),
    });
    const asked = askedToStop();
    app.startBackground();
    team?.startBackground();
    // The person who starts a server should know now, and not from its first user.
    app.memory.list({ limit: 1 }).catch((error: unknown) => {
      logger.error('the memories cannot be used', {}, error);
    });
    announce(`Memories at ${server.address} (web page), ${server.address}/mcp (MCP); Ctrl-C stops.`);
    await asked;
    announce('Stopping: finishing what is under way; Ctrl-C again stops at once.');
    await server.close(FINISH_LIMIT_MS);
  } finally {
    await callers?.signIn?.server?.close();
    await team?.close();
    await app.close();
  }
}

async function openTeam(settings: Settings, surroundings: TeamSurroundings): Promise<Team> {
  const { composeTeam } = await import('../app/team.ts');
  return composeTeam(settings, surroundings);
}

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Resolves at the first signal; the next one ends the process at once, by the default handler. */
function askedToStop(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      for (const name of STOP_SIGNALS) process.removeListener(name, stop);
      resolve();
    };
    for (const name of STOP_SIGNALS) process.on(name, stop);
  });
}

function toHttpSettings(settings: Settings): HttpSettings {
  const { auth, http } = settings;
  const { tlsCertificate, tlsKey, bodyLimitMiB, allowedHosts, allowedOrigins, ...same } = http;
  const tls =
    tlsCertificate === undefined || tlsKey === undefined
      ? undefined
      : { certificate: readPem('tlsCertificate', tlsCertificate), key: readPem('tlsKey', tlsKey) };
  return {
    ...same,
    tls,
    // Clients call it by its public address.
    allowedHosts: [
      ...wordsOf(allowedHosts),
      ...(auth.mode === 'token' ? [] : [new URL(publicUrlOf(settings)).hostname]),
    ],
    allowedOrigins: wordsOf(allowedOrigins),
    bodyLimit: bodyLimitMiB * MEBIBYTE,
  };
}

function readPem(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const problem = `names the file ${JSON.stringify(file)}, which cannot be read`;
    throw new ConfigurationError(
      [{ key: `http.${name}`, problem, source: 'file', allowed: 'allowed is a readable PEM file' }],
      { cause: error },
    );
  }
}
