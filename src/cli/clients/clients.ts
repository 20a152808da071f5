import { absoluteVariable, homeOf, type Machine, pathsOf } from '../../config/environment.ts';

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

/** Name of the server in every client. */
export const SERVER_NAME = 'faiss-memory';

/** Starts the published package with the npx that comes with Node. On Windows npx is a script, which needs a shell. */
export function defaultLaunchCommand(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string>> = {},
): LaunchCommand {
  const npx = ['npx', '-y', 'faiss-memory'];
  const [command = 'npx', ...args] = platform === 'win32' ? ['cmd', '/c', ...npx] : npx;
  return { command, args, ...(Object.keys(env).length === 0 ? {} : { env }) };
}

const claudeCode: ClientDescription = {
  name: 'claude-code',
  title: 'Claude Code',
  format: 'json',
  section: 'mcpServers',
  file,
  evidence: file,
  withType: true,
  afterwards: 'Start a new Claude Code session; /mcp shows the server.',
};

/** User scope: for all projects. */
function file(machine: ClientMachine): string {
  const folder = absoluteVariable(machine, 'CLAUDE_CONFIG_DIR') ?? homeOf(machine);
  return pathsOf(machine).join(folder, '.claude.json');
}

const claudeDesktop: ClientDescription = {
  name: 'claude-desktop',
  title: 'Claude Desktop',
  format: 'json',
  section: 'mcpServers',
  file: (machine) => pathsOf(machine).join(claudeFolder(machine), 'claude_desktop_config.json'),
  evidence: claudeFolder,
  withType: false,
  afterwards: 'Quit Claude Desktop completely and start it again.',
};

function claudeFolder(machine: ClientMachine): string {
  const paths = pathsOf(machine);
  const home = homeOf(machine);
  if (machine.platform === 'darwin') return paths.join(home, 'Library', 'Application Support', 'Claude');
  if (machine.platform !== 'win32') {
    return paths.join(absoluteVariable(machine, 'XDG_CONFIG_HOME') ?? paths.join(home, '.config'), 'Claude');
  }
  return packagedFolder(machine) ?? paths.join(roaming(machine), 'Claude');
}

function roaming(machine: ClientMachine): string {
  return absoluteVariable(machine, 'APPDATA') ?? pathsOf(machine).join(homeOf(machine), 'AppData', 'Roaming');
}

/** The packaged app (MSIX, the default installer since 2026) never sees the plain folder, only its own copy. */
function packagedFolder(machine: ClientMachine): string | undefined {
  const paths = pathsOf(machine);
  const local = absoluteVariable(machine, 'LOCALAPPDATA') ?? paths.join(homeOf(machine), 'AppData', 'Local');
  const packages = paths.join(local, 'Packages');
  const name = machine.listFolder(packages).find((entry) => entry.startsWith('Claude_'));
  return name === undefined ? undefined : paths.join(packages, name, 'LocalCache', 'Roaming', 'Claude');
}

const cursor: ClientDescription = {
  name: 'cursor',
  title: 'Cursor',
  format: 'json',
  section: 'mcpServers',
  file: (machine) => pathsOf(machine).join(homeOf(machine), '.cursor', 'mcp.json'),
  evidence: (machine) => pathsOf(machine).join(homeOf(machine), '.cursor'),
  withType: false,
  afterwards: 'Restart Cursor, or switch the server on under Settings, Tools & MCP.',
};

const vsCode: ClientDescription = {
  name: 'vs-code',
  title: 'VS Code',
  format: 'json',
  section: 'servers',
  file: (machine) => pathsOf(machine).join(vsCodeFolder(machine), 'mcp.json'),
  evidence: vsCodeFolder,
  withType: true,
  afterwards: 'Start the server in VS Code with "MCP: List Servers", or restart VS Code.',
};

/** The default profile. */
function vsCodeFolder(machine: ClientMachine): string {
  const paths = pathsOf(machine);
  const home = homeOf(machine);
  const base =
    machine.platform === 'win32'
      ? (absoluteVariable(machine, 'APPDATA') ?? paths.join(home, 'AppData', 'Roaming'))
      : machine.platform === 'darwin'
        ? paths.join(home, 'Library', 'Application Support')
        : (absoluteVariable(machine, 'XDG_CONFIG_HOME') ?? paths.join(home, '.config'));
  return paths.join(base, 'Code', 'User');
}

const windsurf: ClientDescription = {
  name: 'windsurf',
  title: 'Windsurf',
  format: 'json',
  section: 'mcpServers',
  file: (machine) => pathsOf(machine).join(windsurfFolder(machine), 'mcp_config.json'),
  evidence: windsurfFolder,
  withType: false,
  afterwards: 'Press the refresh button in the MCP panel of Windsurf, or restart it.',
};

function windsurfFolder(machine: ClientMachine): string {
  return pathsOf(machine).join(homeOf(machine), '.codeium', 'windsurf');
}

const codex: ClientDescription = {
  name: 'codex',
  title: 'Codex',
  format: 'toml',
  section: 'mcp_servers',
  file: (machine) => pathsOf(machine).join(codexFolder(machine), 'config.toml'),
  evidence: codexFolder,
  withType: false,
  afterwards: 'Start Codex again; /mcp shows the server.',
};

function codexFolder(machine: ClientMachine): string {
  return absoluteVariable(machine, 'CODEX_HOME') ?? pathsOf(machine).join(homeOf(machine), '.codex');
}

/** The clients whose configuration init and doctor know. */
export const clientList: readonly ClientDescription[] = [
  claudeDesktop,
  claudeCode,
  cursor,
  vsCode,
  codex,
  windsurf,
];
