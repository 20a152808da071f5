import { expect, test } from 'vitest';
import { clientList, type ClientEnvironment } from '../../../src/cli/clients/clients.ts';

function files(environment: Partial<ClientEnvironment>): string[] {
  const all = { env: {}, homeDirectory: '/home/ada', workingDirectory: '/', listFolder: () => [] };
  return clientList.map((client) => client.file({ platform: 'linux', ...all, ...environment }));
}

test('knows where the clients keep their configuration on Linux', () => {
  expect(files({})).toEqual([
    '/home/ada/.config/Claude/claude_desktop_config.json',
    '/home/ada/.claude.json',
    '/home/ada/.cursor/mcp.json',
    '/home/ada/.config/Code/User/mcp.json',
    '/home/ada/.codex/config.toml',
    '/home/ada/.gemini/settings.json',
    '/home/ada/.codeium/windsurf/mcp_config.json',
  ]);
});

test('follows the variables that move them', () => {
  const env = { XDG_CONFIG_HOME: '/x', CLAUDE_CONFIG_DIR: '/c', CODEX_HOME: '/o' };
  expect(files({ env })).toEqual([
    '/x/Claude/claude_desktop_config.json',
    '/c/.claude.json',
    '/home/ada/.cursor/mcp.json',
    '/x/Code/User/mcp.json',
    '/o/config.toml',
    '/home/ada/.gemini/settings.json',
    '/home/ada/.codeium/windsurf/mcp_config.json',
  ]);
});

test('knows them on macOS', () => {
  expect(files({ platform: 'darwin', homeDirectory: '/Users/ada' })).toEqual([
    '/Users/ada/Library/Application Support/Claude/claude_desktop_config.json',
    '/Users/ada/.claude.json',
    '/Users/ada/.cursor/mcp.json',
    '/Users/ada/Library/Application Support/Code/User/mcp.json',
    '/Users/ada/.codex/config.toml',
    '/Users/ada/.gemini/settings.json',
    '/Users/ada/.codeium/windsurf/mcp_config.json',
  ]);
});

test('knows them on Windows, the packaged Claude Desktop included', () => {
  const homeDirectory = 'C:\\Users\\ada';
  const windows = { platform: 'win32', homeDirectory } as const;
  expect(files(windows)).toEqual([
    'C:\\Users\\ada\\AppData\\Roaming\\Claude\\claude_desktop_config.json',
    'C:\\Users\\ada\\.claude.json',
    'C:\\Users\\ada\\.cursor\\mcp.json',
    'C:\\Users\\ada\\AppData\\Roaming\\Code\\User\\mcp.json',
    'C:\\Users\\ada\\.codex\\config.toml',
    'C:\\Users\\ada\\.gemini\\settings.json',
    'C:\\Users\\ada\\.codeium\\windsurf\\mcp_config.json',
  ]);
  const packages = 'D:\\local\\Packages';
  const [packaged] = files({
    ...windows,
    env: { APPDATA: 'D:\\roaming', LOCALAPPDATA: 'D:\\local' },
    listFolder: (path) => (path === packages ? ['Other_1', 'Claude_abc'] : []),
  });
  expect(packaged).toBe(`${packages}\\Claude_abc\\LocalCache\\Roaming\\Claude\\claude_desktop_config.json`);
});
