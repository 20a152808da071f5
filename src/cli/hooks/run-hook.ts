import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { App } from '../../app/app.ts';
import { recallFromServer } from '../../app/ask-server.ts';
import { resolveConfig } from '../../config/resolve.ts';
import type { Settings } from '../../config/schema.ts';
import { createLogger, type Logger } from '../../logger.ts';
import { databaseName } from '../../store/memory-store.ts';
import { settleWithin } from '../../util/concurrency.ts';
import { projectOf } from '../../util/git-project.ts';
import type { Host } from '../host.ts';
import {
  HOOK_CLIENTS,
  HOOK_EVENTS,
  type HookClient,
  type HookEvent,
  type HookInput,
  parseHookInput,
  readHookText,
} from './hook-input.ts';

export { findHome } from '../host.ts';

/** Time of a whole hook, from the start of its process; that of a prompt, which waits for it, is a setting. */
const LIMIT_MS: Readonly<Record<Exclude<HookEvent, 'prompt'>, number>> = {
  'session-start': 8_000,
  stop: 20_000,
  'pre-compact': 20_000,
  // Clients end soon after it.
  'session-end': 5_000,
};
/** The time of the end of the process and of the client's reading. */
const RESERVE_MS = 15;
const LONGEST_PROMPT = 10_000;
const CLOSE_LIMIT_MS = 3_000;
/** The client waits for the end of the process. */
const SAVE_LIMIT_MS = 200;

interface Call {
  readonly event: HookEvent;
  readonly input: HookInput;
  readonly project: string | null;
  readonly settings: Settings;
  /** Of the memories: that of the space, if the settings name one. */
  readonly folder: string;
  readonly logger: Logger;
  /** The memories without a model: nothing that a hook does asks for one. */
  readonly open: () => Promise<App>;
}

/**
 * Runs one hook of a client. It never fails a session: on any trouble it prints nothing, and its caller ends the process
 * with success. Only at the log level `debug` does it say on stderr why.
 * @param args the event, and perhaps `--client NAME`, `--data-dir PATH` and `--space ID`
 * @returns whether it opened the memories, whose threads may still run; else the process can end at once
 */
export async function runHook(args: readonly string[], host: Host): Promise<{ readonly opened: boolean }> {
  const event = HOOK_EVENTS.find((name) => name === args[0]);
  if (event === undefined) return { opened: false };
  let logger: Logger | undefined;
  let app: Promise<App> | undefined;
  try {
    const called = withPlace(host, args);
    const { settings } = resolveConfig(event === 'prompt' ? withTimeZone(called) : called);
    const limitMs = event === 'prompt' ? settings.hooks.promptMs : LIMIT_MS[event];
    const limit = (): number => limitMs - RESERVE_MS - performance.now();
    logger = createLogger({
      level: settings.logLevel === 'debug' ? 'debug' : 'error',
      format: settings.logFormat,
    });
    const text = await readHookText(host.stdin, limit());
    const input = text === undefined ? undefined : parseHookInput(text, clientIn(args));
    if (input === undefined) {
      logger.debug('a hook got no input that it can read', { event });
      return { opened: false };
    }
    const open = (): Promise<App> => (app ??= openApp(settings));
    const call = { event, input, settings, folder: await folderOf(settings), logger, open };
    const answer = await settleWithin(answerOf(call, host.workingDirectory, limit), limit());
    if (answer === undefined || answer === '') logger.debug('a hook had nothing to say', { event });
    else await written(host, answer);
    if (asks(event)) await settleWithin((await app)?.saveFound() ?? Promise.resolve(), SAVE_LIMIT_MS);
  } catch (error) {
    logger?.debug('a hook failed', { event }, error);
  } finally {
    // A store that was only read needs no closing, for which the client would wait.
    if (!asks(event)) await settleWithin(closed(app), CLOSE_LIMIT_MS).catch(() => undefined);
  }
  return { opened: app !== undefined };
}

/** To ask the system for its time zone takes as long as all other settings; the days in an answer are the server's. */
function withTimeZone(host: Host): Host {
  return { ...host, env: { MEMORY_TIME_ZONE: 'UTC', ...host.env } };
}

/** Clients give a hook no variables of its own, so that the place of the memories is in its arguments. */
function withPlace(host: Host, args: readonly string[]): Host {
  const [folder, space] = [valueIn(args, '--data-dir'), valueIn(args, '--space')];
  return {
    ...host,
    env: {
      ...host.env,
      ...(folder === undefined ? {} : { MEMORY_DATA_DIR: folder }),
      ...(space === undefined ? {} : { MEMORY_SPACE: space }),
    },
  };
}

/** The value of an option, as its next word or behind an equals sign. */
function valueIn(args: readonly string[], name: string): string | undefined {
  const place = args.findIndex((word) => word === name || word.startsWith(`${name}=`));
  return args[place] === name ? args[place + 1] : args[place]?.slice(name.length + 1);
}

/** @throws NoSuchError for a text that can be no id of a space */
async function folderOf({ dataDir, space }: Settings): Promise<string> {
  if (space === '') return dataDir;
  const { spaceFolder } = await import('../../app/start-app.ts');
  return spaceFolder(dataDir, space);
}

async function openApp(settings: Settings): Promise<App> {
  const { startApp } = await import('../../app/start-app.ts');
  return startApp(settings);
}

async function closed(app: Promise<App> | undefined): Promise<void> {
  await (await app)?.close();
}

/** The events whose answer reaches the model. */
function asks(event: HookEvent): boolean {
  return event === 'prompt' || event === 'session-start';
}

function clientIn(args: readonly string[]): HookClient | undefined {
  return HOOK_CLIENTS.find((name) => name === valueIn(args, '--client'));
}

async function answerOf(
  opened: Omit<Call, 'project'>,
  workingDirectory: string,
  limit: () => number,
): Promise<string> {
  const { event, input, settings, folder: place } = opened;
  // Without memories there is nothing to tell; the first captured turn makes the store.
  if (asks(event) && !existsSync(join(place, databaseName(settings.store)))) return '';
  const folder = isAbsolute(input.folder) ? input.folder : workingDirectory;
  const { project: named, projectPackages: packages } = settings;
  const project = named === '' ? await projectOf(folder, { packages }) : named === '*' ? null : named;
  const call: Call = { ...opened, project };
  switch (event) {
    case 'prompt':
      return inFormOf(call, await recalled(call, limit));
    case 'session-start':
      return inFormOf(call, await brief(call));
    default: {
      const { captureTurns } = await import('./capture-turns.ts');
      await captureTurns({ transcript: input.transcript, ...call });
      return '';
    }
  }
}

/** By the running server; without one by words only, if that is quick enough. */
async function recalled({ input, project, folder, open }: Call, limit: () => number): Promise<string> {
  const request = { prompt: shortened(input.prompt), project };
  const answer = await recallFromServer({ dataDir: folder, limitMs: limit(), ...request });
  if (answer !== undefined) return answer;
  const { recallForPrompt } = await import('../../recall/prompt-recall.ts');
  const { recall } = await open();
  const search: typeof recall.search = (wanted) => recall.search({ ...wanted, mode: 'keyword' });
  return recallForPrompt({ ...recall, search }, request);
}

/** The beginning and the end of a prompt; the user may have pasted a log between them. */
function shortened(prompt: string): string {
  if (prompt.length <= LONGEST_PROMPT) return prompt;
  return `${prompt.slice(0, LONGEST_PROMPT / 2)}\n${prompt.slice(-LONGEST_PROMPT / 2)}`;
}

async function brief({ project, open }: Call): Promise<string> {
  const { briefFor } = await import('../../recall/brief.ts');
  return briefFor((await open()).recall, project);
}

/** Names of the events whose answers reach the model, for input that does not name its event. */
const EVENT_NAMES: Readonly<Record<string, string>> = {
  'session-start': 'SessionStart',
  prompt: 'UserPromptSubmit',
};

/** The text as the client wants it. */
function inFormOf({ event, input }: Call, text: string): string {
  if (text === '') return '';
  if (input.client === 'cursor') return JSON.stringify({ additional_context: text });
  const hookEventName = input.eventName === '' ? EVENT_NAMES[event] : input.eventName;
  return JSON.stringify({ hookSpecificOutput: { hookEventName, additionalContext: text } });
}

/** Resolves when the text has left this process, or cannot. */
async function written({ stdout }: Host, text: string): Promise<void> {
  await new Promise<void>((resolve) => {
    stdout.on('error', () => {
      resolve();
    });
    stdout.write(`${text}\n`, () => {
      resolve();
    });
  });
}
