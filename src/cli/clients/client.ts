import type { Machine } from '../../config/environment.ts';

/** How a client starts the server. */
export interface LaunchCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Variables to set for it; absent = none. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What init looks up about a file system; passed in for tests. */
export interface ClientMachine extends Machine {
  /** Names in a folder; empty when it cannot be read. */
  readonly listFolder: (path: string) => readonly string[];
}

/** One MCP client: where its configuration is, and which shape it has. */
export interface ClientDescription {
  /** As in `--client`. */
  readonly name: string;
  readonly title: string;
  readonly format: 'json' | 'toml';
  /** Top-level member that holds the servers by name. */
  readonly section: string;
  /** The user-wide configuration file. */
  readonly file: (machine: ClientMachine) => string;
  /** Exists when the client is installed or was used. */
  readonly evidence: (machine: ClientMachine) => string;
  /** Some clients want to be told that the server speaks over stdio. */
  readonly withType: boolean;
  /** What makes the client read its configuration again. */
  readonly afterwards: string;
}
