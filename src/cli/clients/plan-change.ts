import { ClientFileError } from '../../errors/input-errors.ts';
import { type ClientFile, readClientFile } from './client-file.ts';
import {
  type ClientDescription,
  type ClientEnvironment,
  type LaunchCommand,
  SERVER_NAME,
} from './clients.ts';
import { type ClientHooks, editHooks, hookGroups } from './client-hooks.ts';
import { type ConfigEditor, EditError, type ServerMember } from './config-editor.ts';
import { createJsonEditor } from './json-editor.ts';
import { createTomlEditor } from './toml-editor.ts';

/** The planned change of one file of a client. */
export interface PlannedChange {
  readonly client: Pick<ClientDescription, 'name' | 'title' | 'afterwards'>;
  readonly file: ClientFile;
  /** The new text; the same as the old one when there is nothing to do. */
  readonly text: string;
  /** Unified diff without the values of other servers; empty when there is nothing to do. */
  readonly diff: string;
}

/** The change of a client's hooks: nothing, to set them, or to take them out. */
export type HooksChange = 'keep' | 'set' | 'remove';

/**
 * Works out the changes of a client's files without making them: that of its servers, and that of its hooks, which may be
 * one file.
 * @param launch how the client is to start the program; undefined takes the server out
 * @throws ClientFileError when a file cannot be read or edited safely
 */
export async function planChanges(
  client: ClientDescription,
  environment: ClientEnvironment,
  { launch, hooks }: { readonly launch: LaunchCommand | undefined; readonly hooks: HooksChange },
): Promise<readonly PlannedChange[]> {
  const entry = toEntry(client, launch);
  const servers = await readClientFile(client.file(environment));
  const withServer = (text: string): string => edit(editorFor(client), text, entry);
  if (client.hooks === undefined || hooks === 'keep')
    return [plan(client, servers, { edit: withServer, own: textsOf(entry) })];
  const called = hooks === 'set' ? hookLaunch(client.hooks, environment, launch) : undefined;
  const withHooks = (text: string): string =>
    client.hooks === undefined ? text : editHooks(text, client.hooks, called);
  const own = new Set([...textsOf(entry), ...textsOfHooks(client.hooks, called)]);
  const file = await readClientFile(client.hooks.file(environment));
  if (file.path === servers.path)
    return [plan(client, servers, { edit: (text) => withHooks(withServer(text)), own })];
  return [plan(client, servers, { edit: withServer, own }), plan(client, file, { edit: withHooks, own })];
}

/** In a line for a shell of Windows only a plain word calls a program in all of them. */
function hookLaunch(
  { form }: ClientHooks,
  { platform }: ClientEnvironment,
  launch: LaunchCommand | undefined,
): LaunchCommand | undefined {
  if (launch === undefined || form === 'arguments' || platform !== 'win32') return launch;
  return { ...launch, command: 'node' };
}

interface FileEdit {
  readonly edit: (text: string) => string;
  /** Texts that a diff may show. */
  readonly own: ReadonlySet<string>;
}

function plan(client: ClientDescription, file: ClientFile, { edit: change, own }: FileEdit): PlannedChange {
  const before = file.text ?? '';
  try {
    const text = change(before);
    return { client, file, text, diff: hideValues(unifiedDiff(file.path, before, text), own) };
  } catch (cause) {
    if (!(cause instanceof EditError)) throw cause;
    throw new ClientFileError(file.path, cause.message, {
      fix: `Repair it, edit the server "${SERVER_NAME}" there by hand, or choose other clients with --client.`,
      cause,
    });
  }
}

function edit(editor: ConfigEditor, text: string, entry: ServerMember | undefined): string {
  return entry === undefined
    ? editor.removeServer(text, SERVER_NAME)
    : editor.setServer(text, SERVER_NAME, entry);
}

function toEntry(client: ClientDescription, launch: LaunchCommand | undefined): ServerMember | undefined {
  return launch !== undefined && client.withType ? { type: 'stdio', ...launch } : launch;
}

function textsOf(entry: ServerMember | undefined): ReadonlySet<string> {
  if (entry === undefined) return new Set([SERVER_NAME]);
  const { command, args, env = {} } = entry;
  return new Set([SERVER_NAME, command, ...args, ...Object.values(env)]);
}

/** Every word of our own hooks, as the diff writes it. */
function textsOfHooks(hooks: ClientHooks, launch: LaunchCommand | undefined): readonly string[] {
  if (launch === undefined) return [];
  const texts: string[] = [];
  JSON.stringify(hookGroups(hooks, launch), (_, value: unknown) => {
    if (typeof value === 'string') texts.push(value, JSON.stringify(value).slice(1, -1));
    return value;
  });
  return texts;
}

/** A text in quotes that is no name: neither a member before `:` or `=`, nor part of a table's header. */
const VALUE = /(["'])((?:(?!\1)[^\\\n]|\\.){8,})\1(?!\s*[:=])/g;

/**
 * A diff without the values of other servers, which often are tokens and keys: a diff ends up in logs,
 * screenshots and the transcripts of assistants.
 * @param own texts that may be shown
 */
export function hideValues(diff: string, own: ReadonlySet<string>): string {
  return diff
    .split('\n')
    .map((line) =>
      /^(---|\+\+\+|@@)/.test(line) || /^[ +-]\s*\[[^"',]*\]/.test(line) ? line : hide(line, own),
    )
    .join('\n');
}

function hide(line: string, own: ReadonlySet<string>): string {
  return line.replace(VALUE, (whole, quote: string, text: string) =>
    own.has(text) ? whole : `${quote}…${quote}`,
  );
}

export function editorFor({ format, section }: ClientDescription): ConfigEditor {
  return format === 'json' ? createJsonEditor(section) : createTomlEditor(section);
}

/** Lines of unchanged text around a change. */
const CONTEXT = 3;

/**
 * The change of a text as a unified diff with one hunk; empty when there is none. The lines between the first and
 * the last change are shown as removed and added as a whole, which is exact, and short for the edit of one place.
 */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return '';
  const [old, current] = [linesOf(before), linesOf(after)];
  const head = commonStart(old, current);
  const tail = commonStart(old.slice(head).reverse(), current.slice(head).reverse());
  const start = Math.max(0, head - CONTEXT);
  const oldEnd = old.length - tail;
  const currentEnd = current.length - tail;
  const trailing = old.slice(oldEnd, oldEnd + CONTEXT);
  const context = head - start + trailing.length;
  return [
    `--- ${path}`,
    `+++ ${path}`,
    `@@ -${range(start, oldEnd - head + context)} +${range(start, currentEnd - head + context)} @@`,
    ...old.slice(start, head).map((line) => ` ${line}`),
    ...old.slice(head, oldEnd).map((line) => `-${line}`),
    ...current.slice(head, currentEnd).map((line) => `+${line}`),
    ...trailing.map((line) => ` ${line}`),
  ].join('\n');
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function commonStart(a: readonly string[], b: readonly string[]): number {
  const different = a.findIndex((line, index) => line !== b[index]);
  return different === -1 ? a.length : different;
}

function range(start: number, length: number): string {
  return `${length === 0 ? start : start + 1},${length}`;
}
