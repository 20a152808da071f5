import { existsSync } from 'node:fs';
import {
  type ClientDescription,
  clientList,
  type ClientEnvironment,
  type LaunchCommand,
} from '../clients/clients.ts';
import { clientEnvironment, configuredServer } from '../clients/this-machine.ts';
import type { Host } from '../host.ts';
import { tryServer } from '../install/try-server.ts';
import type { Check, Finding } from './checks.ts';
import { reasonOf } from '../../util/caught.ts';

const CLIENTS_CHECK = 'clients';
/** Clients give up after 30 s; a server that needs a third of that is not ready when the first question comes. */
const START_LIMIT_MS = 15_000;
const SLOW_START_MS = 3_000;

/** Which clients have the server, and does it start as they start it? All are tried at once. */
export const clientsCheck: Check = {
  name: CLIENTS_CHECK,
  waitsFor: {
    what: 'the files of the clients, or the programs they start',
    fix: 'Check that the home folder answers.',
  },
  run: async ({ host }) => {
    const environment = clientEnvironment(host);
    const found = await Promise.all(clientList.map((client) => checkClient(client, environment, host)));
    const findings = found.flat();
    if (findings.length > 0) return findings;
    const fix = 'Run "faiss-memory init".';
    return [{ check: CLIENTS_CHECK, status: 'warn', message: 'no client has the server configured', fix }];
  },
};

async function checkClient(
  client: ClientDescription,
  environment: ClientEnvironment,
  host: Host,
): Promise<Finding[]> {
  const file = client.file(environment);
  if (!existsSync(file)) return [];
  const check = client.title;
  try {
    const server = configuredServer(client, file);
    if (server === undefined) return [];
    return [await checkStart(client, { file, launch: launchOf(server), host })];
  } catch (error) {
    const problem = reasonOf(error);
    return [
      { check, status: 'warn', message: `${file} ${problem}`, fix: 'Correct the file; its client reads it.' },
    ];
  }
}

interface Configured {
  readonly file: string;
  readonly launch: LaunchCommand | undefined;
  readonly host: Host;
}

async function checkStart(client: ClientDescription, { file, launch, host }: Configured): Promise<Finding> {
  const check = client.title;
  const fix = `Run "faiss-memory init --client ${client.name}".`;
  if (launch === undefined) return { check, status: 'warn', message: `${file} starts nothing`, fix };
  const shown = [launch.command, ...launch.args].join(' ');
  try {
    const env = environmentOf(client, host);
    const { platform, workingDirectory } = host;
    const options = { env, platform, workingDirectory, limitMs: START_LIMIT_MS };
    const { milliseconds, version, tools } = await tryServer(launch, options);
    const message = `${file} starts ${shown}: version ${version} with ${tools} tools after ${milliseconds} ms`;
    return milliseconds < SLOW_START_MS
      ? { check, status: 'ok', message }
      : { check, status: 'warn', message: `${message}, which is late: a client does not wait long`, fix };
  } catch (error) {
    const problem = reasonOf(error);
    return { check, status: 'warn', message: `${file} starts ${shown}, but ${problem}`, fix };
  }
}

/** Apps that are started from the desktop of macOS do not get the PATH of the shell. */
const DESKTOP_PATH = '/usr/local/bin:/opt/homebrew/bin:/usr/bin:/bin:/usr/sbin:/sbin';

/** The environment that the client gives the server besides the variables in its file. */
export function environmentOf(
  { name }: Pick<ClientDescription, 'name'>,
  { env, platform }: Pick<Host, 'env' | 'platform'>,
): Readonly<Record<string, string | undefined>> {
  return name === 'claude-desktop' && platform === 'darwin' ? { ...env, PATH: DESKTOP_PATH } : env;
}

/** A server as the client's file has it; undefined when it names no command. */
function launchOf(server: unknown): LaunchCommand | undefined {
  if (typeof server !== 'object' || server === null || !('command' in server)) return undefined;
  const { command } = server;
  if (typeof command !== 'string' || command === '') return undefined;
  const args = 'args' in server && Array.isArray(server.args) ? server.args.filter(isString) : [];
  const env = 'env' in server && typeof server.env === 'object' && server.env !== null ? server.env : {};
  const texts = Object.entries(env).filter((entry): entry is [string, string] => isString(entry[1]));
  return { command, args, env: Object.fromEntries(texts) };
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}
