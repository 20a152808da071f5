import { type ClientHooks, hookClients } from './client-hooks.ts';
import { absoluteVariable, homeOf, type Environment, pathsOf } from '../../config/environment.ts';

/** How a client starts the server. */
export interface LaunchCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Variables to set for it; absent = none. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The questions of init about a file system; passed in for tests. */
export interface ClientEnvironment extends Environment {
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
  readonly file: (environment: ClientEnvironment) => string;
  /** Exists when the client is installed or was used. */
  readonly evidence: (environment: ClientEnvironment) => string;
  /** Some clients want to be told that the server speaks over stdio. */
  readonly withType: boolean;
  /** The step that makes the client read its configuration again. */
  readonly afterwards: string;
  /** Absent for a client without hooks in a file. */
  readonly hooks?: ClientHooks | undefined;
}

function hooksOf(name: string): ClientHooks | undefined {
  return hookClients.find(({ client }) => client === name);
}

/** Name of the server in every client. */
export const SERVER_NAME = 'faiss-memory';

const claudeCode: ClientDescription = {
  name: 'claude-code',
  title: 'Claude Code',
  format: 'json',
  section: 'mcpServers',
  file,
  evidence: file,
  withType: true,
  afterwards: 'Start a new Claude Code session; /mcp shows the server, /hooks the hooks.',
  hooks: hooksOf('claude-code'),
};

/** User scope: for all projects. */
function file(environment: ClientEnvironment): string {
  const folder = absoluteVariable(environment, 'CLAUDE_CONFIG_DIR') ?? homeOf(environment);
  return pathsOf(environment).join(folder, '.claude.json');
}

const claudeDesktop: ClientDescription = {
  name: 'claude-desktop',
  title: 'Claude Desktop',
  format: 'json',
  section: 'mcpServers',
  file: (environment) => pathsOf(environment).join(claudeFolder(environment), 'claude_desktop_config.json'),
  evidence: claudeFolder,
  withType: false,
  afterwards: 'Quit Claude Desktop completely and start it again.',
};

function claudeFolder(environment: ClientEnvironment): string {
  const paths = pathsOf(environment);
  const home = homeOf(environment);
  if (environment.platform === 'darwin') return paths.join(home, 'Library', 'Application Support', 'Claude');
  if (environment.platform !== 'win32') {
    return paths.join(
      absoluteVariable(environment, 'XDG_CONFIG_HOME') ?? paths.join(home, '.config'),
      'Claude',
    );
  }
  return packagedFolder(environment) ?? paths.join(roaming(environment), 'Claude');
}

function roaming(environment: ClientEnvironment): string {
  return (
    absoluteVariable(environment, 'APPDATA') ??
    pathsOf(environment).join(homeOf(environment), 'AppData', 'Roaming')
  );
}

/** The packaged app (MSIX, the default installer since 2026) never sees the plain folder, only its own copy. */
function packagedFolder(environment: ClientEnvironment): string | undefined {
  const paths = pathsOf(environment);
  const local =
    absoluteVariable(environment, 'LOCALAPPDATA') ?? paths.join(homeOf(environment), 'AppData', 'Local');
  const packages = paths.join(local, 'Packages');
  const name = environment.listFolder(packages).find((entry) => entry.startsWith('Claude_'));
  return name === undefined ? undefined : paths.join(packages, name, 'LocalCache', 'Roaming', 'Claude');
}

const cursor: ClientDescription = {
  name: 'cursor',
  title: 'Cursor',
  format: 'json',
  section: 'mcpServers',
  file: (environment) => pathsOf(environment).join(homeOf(environment), '.cursor', 'mcp.json'),
  evidence: (environment) => pathsOf(environment).join(homeOf(environment), '.cursor'),
  withType: false,
  afterwards: 'Restart Cursor, or switch the server on under Settings, Tools & MCP.',
  hooks: hooksOf('cursor'),
};

const vsCode: ClientDescription = {
  name: 'vs-code',
  title: 'VS Code',
  format: 'json',
  section: 'servers',
  file: (environment) => pathsOf(environment).join(vsCodeFolder(environment), 'mcp.json'),
  evidence: vsCodeFolder,
  withType: true,
  afterwards: 'Start the server in VS Code with "MCP: List Servers", or restart VS Code.',
};

/** The default profile. */
function vsCodeFolder(environment: ClientEnvironment): string {
  const paths = pathsOf(environment);
  const home = homeOf(environment);
  const base =
    environment.platform === 'win32'
      ? (absoluteVariable(environment, 'APPDATA') ?? paths.join(home, 'AppData', 'Roaming'))
      : environment.platform === 'darwin'
        ? paths.join(home, 'Library', 'Application Support')
        : (absoluteVariable(environment, 'XDG_CONFIG_HOME') ?? paths.join(home, '.config'));
  return paths.join(base, 'Code', 'User');
}

const windsurf: ClientDescription = {
  name: 'windsurf',
  title: 'Windsurf',
  format: 'json',
  section: 'mcpServers',
  file: (environment) => pathsOf(environment).join(windsurfFolder(environment), 'mcp_config.json'),
  evidence: windsurfFolder,
  withType: false,
  afterwards: 'Press the refresh button in the MCP panel of Windsurf, or restart it.',
};

function windsurfFolder(environment: ClientEnvironment): string {
  return pathsOf(environment).join(homeOf(environment), '.codeium', 'windsurf');
}

const codex: ClientDescription = {
  name: 'codex',
  title: 'Codex',
  format: 'toml',
  section: 'mcp_servers',
  file: (environment) => pathsOf(environment).join(codexFolder(environment), 'config.toml'),
  evidence: codexFolder,
  withType: false,
  afterwards: 'Start Codex again; /mcp shows the server, and hooks have to be trusted once in /hooks.',
  hooks: hooksOf('codex'),
};

function codexFolder(environment: ClientEnvironment): string {
  return (
    absoluteVariable(environment, 'CODEX_HOME') ?? pathsOf(environment).join(homeOf(environment), '.codex')
  );
}

const geminiCli: ClientDescription = {
  name: 'gemini-cli',
  title: 'Gemini CLI',
  format: 'json',
  section: 'mcpServers',
  file: (environment) => pathsOf(environment).join(geminiFolder(environment), 'settings.json'),
  evidence: geminiFolder,
  withType: false,
  afterwards: 'Start Gemini CLI again; /mcp shows the server, /hooks the hooks.',
  hooks: hooksOf('gemini-cli'),
};

function geminiFolder(environment: ClientEnvironment): string {
  return pathsOf(environment).join(homeOf(environment), '.gemini');
}

/** The clients whose configuration init and doctor know. */
export const clientList: readonly ClientDescription[] = [
  claudeDesktop,
  claudeCode,
  cursor,
  vsCode,
  codex,
  geminiCli,
  windsurf,
];
