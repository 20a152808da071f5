import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { recallFromServer } from '../../app/ask-server.ts';
import { homeOf, pathsOf } from '../../config/environment.ts';
import { isObject } from '../../util/json.ts';
import { reasonOf } from '../../util/caught.ts';
import { startable } from '../../util/start-command.ts';
import { type ClientHooks, type HookCall, hookCalls } from '../clients/client-hooks.ts';
import { type ClientDescription, clientList, type ClientEnvironment } from '../clients/clients.ts';
import { clientEnvironment } from '../clients/this-machine.ts';
import type { Host } from '../host.ts';
import type { Check, Finding } from './checks.ts';

const HOOKS_CHECK = 'hooks';
const START_LIMIT_MS = 8_000;
const REACH_LIMIT_MS = 2_000;

/** Are the hooks and plugins of the clients whole, and does the program that they call run? Clients without any are left out. */
export const hooksCheck: Check = {
  name: HOOKS_CHECK,
  waitsFor: {
    what: 'the files of the clients, or the programs that their hooks call',
    fix: 'Check that the home folder answers.',
  },
  run: async ({ host, settings }) => {
    const environment = clientEnvironment(host);
    const clients = clientList.flatMap((client) => {
      const { hooks } = client;
      return hooks === undefined ? [] : [checkClient({ client, hooks, environment, host })];
    });
    const findings = (await Promise.all(clients)).flat();
    if (findings.length === 0) return [];
    return [...findings, await checkReach(settings.dataDir)];
  },
};

interface Place {
  readonly client: ClientDescription;
  readonly hooks: ClientHooks;
  readonly environment: ClientEnvironment;
  readonly host: Host;
}

async function checkClient(place: Place): Promise<Finding[]> {
  const { client, hooks, environment } = place;
  const check = `${HOOKS_CHECK} of ${client.title}`;
  const file = hooks.file(environment);
  const plugin = pluginOf(place);
  const path = plugin === undefined ? undefined : pathsOf(environment).join(plugin, 'start.mjs');
  let calls: readonly HookCall[];
  try {
    calls = existsSync(file) ? hookCalls(readFileSync(file, 'utf8')) : [];
  } catch (error) {
    const message = `${file} ${reasonOf(error)}`;
    return [{ check, status: 'warn', message, fix: 'Correct the file; its client reads it.' }];
  }
  const findings = calls.length === 0 ? [] : [await checkCalls(check, { ...place, file, calls })];
  if (path !== undefined) findings.push(await checkPlugin(check, path, place));
  if (calls.length > 0 && path !== undefined) {
    const message = `${file} and the plugin both call hooks, so all is said twice`;
    const fix = `Run "faiss-memory init --client ${client.name} --hooks off", or remove the plugin.`;
    findings.push({ check, status: 'warn', message, fix });
  }
  return findings;
}

async function checkCalls(
  check: string,
  { client, hooks, host, file, calls }: Place & { file: string; calls: readonly HookCall[] },
): Promise<Finding> {
  const fix = `Run "faiss-memory init --client ${client.name} --hooks on".`;
  const missing = Object.keys(hooks.events).filter((name) => !calls.some(({ event }) => event === name));
  if (missing.length > 0)
    return { check, status: 'warn', message: `${file} calls nothing at ${missing.join(', ')}`, fix };
  const programs = new Map(calls.map(({ words }) => [JSON.stringify(words), words]));
  for (const words of programs.values()) {
    const problem = await problemOf(words, host);
    const message = `${file} calls ${words.join(' ')}, but ${problem ?? ''}`;
    if (problem !== undefined) return { check, status: 'warn', message, fix };
  }
  const count = Object.keys(hooks.events).length;
  const program = calls[0]?.words.join(' ') ?? '';
  return { check, status: 'ok', message: `${file} calls ${program} at ${count} events, and it runs` };
}

async function checkPlugin(check: string, start: string, { host }: Place): Promise<Finding> {
  const problem = existsSync(start) ? await problemOf([process.execPath, start], host) : 'it is not there';
  if (problem === undefined) return { check, status: 'ok', message: `the plugin runs ${start}` };
  const message = `the plugin runs ${start}, but ${problem}`;
  const fix =
    'Run "faiss-memory init", which installs the program that the plugin calls; then install the plugin again if this stays.';
  return { check, status: 'warn', message, fix };
}

/** Where the client has the plugin; undefined when it has none. */
function pluginOf({ hooks, environment }: Place): string | undefined {
  const paths = pathsOf(environment);
  const home = homeOf(environment);
  if (hooks.client === 'claude-code')
    return claudePlugin(
      paths.join(paths.dirname(hooks.file(environment)), 'plugins', 'installed_plugins.json'),
    );
  if (hooks.client === 'gemini-cli')
    return existing(paths.join(home, '.gemini', 'extensions', 'faiss-memory'));
  if (hooks.client === 'cursor')
    return existing(paths.join(home, '.cursor', 'plugins', 'local', 'faiss-memory'));
  // Where Codex keeps plugins is not documented.
  return undefined;
}

function existing(folder: string): string | undefined {
  return existsSync(folder) ? folder : undefined;
}

/** The folder in which Claude Code has the plugin; a list that cannot be read has none. */
function claudePlugin(list: string): string | undefined {
  try {
    const read: unknown = JSON.parse(readFileSync(list, 'utf8'));
    const plugins = isObject(read) && isObject(read['plugins']) ? read['plugins'] : {};
    const found = Object.entries(plugins)
      .filter(([name]) => name.startsWith('faiss-memory@'))
      .flatMap(([, installed]): unknown => installed)
      .flatMap((one) => (isObject(one) && typeof one['installPath'] === 'string' ? one['installPath'] : []));
    return found.at(-1);
  } catch {
    return undefined;
  }
}

/** Runs the program for its help on hooks, which opens no memories. @returns why it does not run */
async function problemOf(
  [command = '', ...args]: readonly string[],
  host: Host,
): Promise<string | undefined> {
  const { env, platform, workingDirectory } = host;
  try {
    const started = startable(command, [...args, 'hook', '--help'], { env, platform, workingDirectory });
    const options = {
      ...{ env: { ...env }, cwd: workingDirectory, timeout: START_LIMIT_MS, windowsHide: true },
      windowsVerbatimArguments: started.windowsVerbatimArguments,
    };
    return await new Promise((resolve) => {
      execFile(started.file, [...started.args], options, (error, stdout, stderr) => {
        const said = stderr.trim().split('\n')[0] ?? '';
        if (error === null) resolve(stdout.includes('faiss-memory hook') ? undefined : 'it finds no program');
        else if (error.killed === true) resolve(`it does not end within ${START_LIMIT_MS / 1_000} s`);
        else resolve(said === '' ? reasonOf(error) : said);
      }).stdin?.end();
    });
  } catch (error) {
    return reasonOf(error);
  }
}

/** Does a process with a loaded model answer hooks? */
async function checkReach(dataDir: string): Promise<Finding> {
  const question = { dataDir, prompt: '', project: null, limitMs: REACH_LIMIT_MS };
  const answers = (await recallFromServer(question)) !== undefined;
  const message = answers
    ? `a running server answers for ${dataDir}`
    : `no server with a loaded model runs for ${dataDir} now; until one does, prompts bring up memories by words only`;
  return { check: HOOKS_CHECK, status: 'ok', message };
}
