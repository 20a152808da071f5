import { isDeepStrictEqual } from 'node:util';
import { absoluteVariable, homeOf, pathsOf } from '../../config/environment.ts';
import { isObject } from '../../util/json.ts';
import { HOOK_EVENTS, type HookClient, type HookEvent } from '../hooks/hook-input.ts';
import type { ClientEnvironment, LaunchCommand } from './clients.ts';
import { appendItem, editGroup, readSettings, removeItem } from './json-editor.ts';

/** How a client is told to call a program at the moments of a session. */
export interface ClientHooks {
  readonly client: HookClient;
  /** The user-wide file of hooks or settings, with them in its member `hooks`. */
  readonly file: (environment: ClientEnvironment) => string;
  /** The client's name of each event. */
  readonly events: Readonly<Record<string, HookEvent>>;
  /** `arguments`: a program and its arguments, without a shell. `line`: one line for the shell of the system. */
  readonly form: 'arguments' | 'line';
  /** Whether an event holds groups of hooks, or hooks themselves. */
  readonly grouped: boolean;
  /** Units in a second, of the time limits. */
  readonly timeUnit: 1 | 1_000;
  /** Greatest time limit of an event that has one, in seconds. */
  readonly capSeconds?: Readonly<Record<string, number>>;
  /** Other members that the file needs. */
  readonly members: Readonly<Record<string, unknown>>;
}

/** Seconds after which a client gives up; the program itself ends before. */
const LIMIT_SECONDS: Readonly<Record<HookEvent, number>> = {
  'session-start': 10,
  prompt: 12,
  stop: 30,
  'pre-compact': 30,
  'session-end': 10,
};

const claudeCode: ClientHooks = {
  client: 'claude-code',
  file: (environment) =>
    pathsOf(environment).join(
      absoluteVariable(environment, 'CLAUDE_CONFIG_DIR') ?? inHome(environment, '.claude'),
      'settings.json',
    ),
  events: {
    SessionStart: 'session-start',
    UserPromptSubmit: 'prompt',
    Stop: 'stop',
    PreCompact: 'pre-compact',
    SessionEnd: 'session-end',
  },
  form: 'arguments',
  grouped: true,
  timeUnit: 1,
  members: {},
};

const codex: ClientHooks = {
  ...claudeCode,
  client: 'codex',
  file: (environment) =>
    pathsOf(environment).join(
      absoluteVariable(environment, 'CODEX_HOME') ?? inHome(environment, '.codex'),
      'hooks.json',
    ),
  form: 'line',
  capSeconds: { SessionEnd: 3 },
};

const geminiCli: ClientHooks = {
  ...claudeCode,
  client: 'gemini-cli',
  file: (environment) => inHome(environment, '.gemini', 'settings.json'),
  events: {
    SessionStart: 'session-start',
    BeforeAgent: 'prompt',
    AfterAgent: 'stop',
    PreCompress: 'pre-compact',
    SessionEnd: 'session-end',
  },
  form: 'line',
  timeUnit: 1_000,
};

const cursor: ClientHooks = {
  client: 'cursor',
  file: (environment) => inHome(environment, '.cursor', 'hooks.json'),
  // Its hook at a prompt cannot tell the model anything, and its transcripts cannot be read.
  events: { sessionStart: 'session-start' },
  form: 'line',
  grouped: false,
  timeUnit: 1,
  members: { version: 1 },
};

function inHome(environment: ClientEnvironment, ...parts: string[]): string {
  return pathsOf(environment).join(homeOf(environment), ...parts);
}

/** The clients with hooks in a file. Others load a plugin: docs/hooks.md. */
export const hookClients: readonly ClientHooks[] = [claudeCode, codex, cursor, geminiCli];

/** The hooks of a client by its event, as its file holds them. */
export function hookGroups(
  { client, events, form, grouped, timeUnit, capSeconds = {} }: ClientHooks,
  { command, args, env = {} }: LaunchCommand,
): Readonly<Record<string, readonly unknown[]>> {
  const groups = Object.entries(events).map(([name, event]) => {
    const words = [...args, 'hook', event, '--client', client, ...placeOf(env)];
    const call =
      form === 'arguments'
        ? { command, args: words }
        : { command: [command, ...words].map(quoted).join(' ') };
    const seconds = Math.min(LIMIT_SECONDS[event], capSeconds[name] ?? Infinity);
    const hook = { ...(grouped ? { type: 'command' } : {}), ...call, timeout: seconds * timeUnit };
    return [name, [grouped ? { hooks: [hook] } : hook]] as const;
  });
  return Object.fromEntries(groups);
}

/** Hooks get no variables of their own, so the place of the memories is in their arguments. */
function placeOf(env: Readonly<Record<string, string>>): string[] {
  const { MEMORY_DATA_DIR: folder, MEMORY_SPACE: space } = env;
  return [
    ...(folder === undefined ? [] : ['--data-dir', folder]),
    ...(space === undefined ? [] : ['--space', space]),
  ];
}

/** A word that sh, cmd and PowerShell read alike: none of them has a common way to quote the rest. */
function quoted(word: string): string {
  return /^[\w./:@=+-]+$/.test(word) ? word : `"${word}"`;
}

/**
 * Puts the hooks of this program into a file of settings, or takes them out. Those of other programs stay.
 * @param launch undefined takes them out
 * @throws EditError when the text cannot be edited safely
 */
export function editHooks(text: string, hooks: ClientHooks, launch: LaunchCommand | undefined): string {
  const wanted = launch === undefined ? {} : hookGroups(hooks, launch);
  const begun =
    text.trim() === '' && launch !== undefined ? `${JSON.stringify(hooks.members, null, 2)}\n` : text;
  const events = Object.keys({ ...presentHooks(begun), ...hooks.events });
  return events.reduce((edited, event) => editEvent(edited, event, wanted[event] ?? []), begun);
}

function editEvent(text: string, event: string, wanted: readonly unknown[]): string {
  const groups = presentHooks(text)[event] ?? [];
  const own = groups.filter(isOurs);
  if (isDeepStrictEqual(own, wanted)) return text;
  if (groups.length === own.length)
    return editGroup(text, 'hooks', { [event]: wanted.length === 0 ? undefined : wanted });
  const path = ['hooks', event];
  const kept = groups.reduceRight<string>(
    (edited, group, place) => (isOurs(group) ? removeItem(edited, path, place) : edited),
    text,
  );
  return wanted.reduce<string>((edited, group) => appendItem(edited, path, group), kept);
}

function presentHooks(text: string): Readonly<Record<string, readonly unknown[]>> {
  const { hooks } = readSettings(text);
  if (!isObject(hooks)) return {};
  return Object.fromEntries(
    Object.entries(hooks).filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1])),
  );
}

const OUR_CALL = new RegExp(String.raw`\bhook(", ?"| )(${HOOK_EVENTS.join('|')})\b`);

/** Our hooks call `faiss-memory` with the word `hook`, however it was installed. */
function isOurs(group: unknown): boolean {
  const text = JSON.stringify(group);
  return text.includes('faiss-memory') && OUR_CALL.test(text);
}

/** A call of this program, as a file of settings has it. */
export interface HookCall {
  /** The client's name of the event. */
  readonly event: string;
  /** The program and its arguments before the word `hook`. */
  readonly words: readonly string[];
}

/** The calls of this program in a file of settings. @throws EditError */
export function hookCalls(text: string): HookCall[] {
  return Object.entries(presentHooks(text)).flatMap(([event, groups]) =>
    groups.filter(isOurs).flatMap((group) => {
      const hooks: unknown[] = isObject(group) && Array.isArray(group['hooks']) ? group['hooks'] : [group];
      return hooks.flatMap((hook) => {
        const words = wordsOf(hook);
        const end = words.indexOf('hook');
        return end < 1 ? [] : [{ event, words: words.slice(0, end) }];
      });
    }),
  );
}

function wordsOf(hook: unknown): string[] {
  if (!isObject(hook) || typeof hook['command'] !== 'string') return [];
  const { command, args } = hook;
  if (Array.isArray(args)) return [command, ...args.map(String)];
  return [...command.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
}
