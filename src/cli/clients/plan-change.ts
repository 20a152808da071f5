import { ClientFileError } from '../../errors/input-errors.ts';
import { unifiedDiff } from '../unified-diff.ts';
import { readClientFile, type ClientFile } from './client-file.ts';
import type { ClientDescription, ClientMachine, LaunchCommand } from './client.ts';
import { EditError, type ConfigEditor, type ServerMember } from './config-editor.ts';
import { editorFor } from './editor-for.ts';
import { hideValues } from './hide-values.ts';
import { SERVER_NAME } from './server-entry.ts';

/** What would become of the file of one client. */
export interface PlannedChange {
  readonly client: ClientDescription;
  readonly file: ClientFile;
  /** The new text; the same as the old one when there is nothing to do. */
  readonly text: string;
  /** Unified diff without the values of other servers; empty when there is nothing to do. */
  readonly diff: string;
}

/**
 * Works out the change without making it.
 * @param launch how the client is to start the server; undefined takes the server out
 * @throws ClientFileError when the file cannot be read or edited safely
 */
export async function planChange(
  client: ClientDescription,
  machine: ClientMachine,
  launch: LaunchCommand | undefined,
): Promise<PlannedChange> {
  const file = await readClientFile(client.file(machine));
  const before = file.text ?? '';
  try {
    const entry = toEntry(client, launch);
    const text = edit(editorFor(client), before, entry);
    const diff = hideValues(unifiedDiff(file.path, before, text), textsOf(entry));
    return { client, file, text, diff };
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
