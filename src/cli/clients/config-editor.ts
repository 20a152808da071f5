import type { LaunchCommand } from './clients.ts';

/** A configuration text with the servers it names. */
export type ServerMap = Readonly<Record<string, unknown>>;

/**
 * Edits the text of a client's configuration and touches nothing but one server: comments, layout and all
 * other members stay. Results are checked by reading them again. Pure.
 */
export interface ConfigEditor {
  /** @throws EditError when the text cannot be read */
  servers(text: string): ServerMap;
  /** Adds the server, or changes how it is started and keeps its other members. @throws EditError */
  setServer(text: string, name: string, entry: ServerMember): string;
  /** Removes the server if it is there. @throws EditError */
  removeServer(text: string, name: string): string;
}

export interface ServerMember extends LaunchCommand {
  readonly type?: 'stdio';
}

/** The text is not understood, or an edit would have changed more than it should. */
export class EditError extends Error {}
