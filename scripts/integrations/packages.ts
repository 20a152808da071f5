import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hookClients, hookGroups, type ClientHooks } from '../../src/cli/clients/client-hooks.ts';
import { SKILLS, skillFile } from './skills.ts';

/** Every file of the packages for clients, by its path below `integrations/`. */
export function integrationFiles(root: string): ReadonlyMap<string, string> {
  const facts = factsOf(root);
  const source = (name: string): string =>
    readFileSync(join(root, 'scripts', 'integrations', name), 'utf8').replace(
      '@VERSION',
      `@${facts.version}`,
    );
  const start = source('start.mjs');
  const files = new Map<string, string>();
  const add = (path: string, content: string | object): void => {
    files.set(path, typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`);
  };
  for (const folder of [
    'claude-code',
    'codex',
    'cursor',
    'gemini-cli',
    'agent-plugin',
    'opencode',
  ]) {
    add(`${folder}/start.mjs`, start);
    if (folder === 'opencode') continue;
    for (const skill of SKILLS) add(`${folder}/skills/${skill.name}/SKILL.md`, skillFile(skill));
  }
  claudeCode(add, facts);
  codex(add, facts);
  cursor(add, facts);
  geminiCli(add, facts);
  agentPlugin(add, facts);
  openCode(add, source('opencode-plugin.mjs'));
  openClaw(add);
  add('README.md', README);
  return files;
}

type Add = (path: string, content: string | object) => void;

interface Facts {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly author: { readonly name: string; readonly url: string };
  readonly homepage: string;
  readonly repository: string;
  readonly license: string;
  readonly keywords: readonly string[];
}

function factsOf(root: string): Facts {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly [name: string]: unknown;
    readonly version: string;
    readonly license: string;
    readonly homepage: string;
    readonly keywords: readonly string[];
  };
  const homepage = manifest.homepage.replace('#readme', '');
  return {
    name: 'faiss-memory',
    version: manifest.version,
    description:
      'Long-term memory across sessions: recalls what matters at the start and at each prompt, keeps conversations, local and offline',
    author: { name: 'faiss-memory', url: homepage },
    homepage,
    repository: homepage,
    license: manifest.license,
    keywords: manifest.keywords,
  };
}

function hooksOf(client: string): ClientHooks {
  const hooks = hookClients.find((one) => one.client === client);
  if (hooks === undefined) throw new Error(`no hooks are known of ${client}`);
  return hooks;
}

function startIn(place: string): { readonly command: string; readonly args: readonly string[] } {
  return { command: 'node', args: [`${place}/start.mjs`] };
}

function claudeCode(add: Add, facts: Facts): void {
  const start = startIn('${CLAUDE_PLUGIN_ROOT}');
  add('claude-code/.claude-plugin/plugin.json', facts);
  add('claude-code/hooks/hooks.json', { hooks: hookGroups(hooksOf('claude-code'), start) });
  add('claude-code/.mcp.json', { mcpServers: { 'faiss-memory': { type: 'stdio', ...start } } });
}

/** The marketplace of Claude Code, at the root of the repository, where its command looks for it. */
export function marketplaceFile(root: string): string {
  const { name, version, description, author, license, keywords } = factsOf(root);
  const plugin = {
    name,
    source: './integrations/claude-code',
    description,
    version,
    author,
    license,
    keywords,
  };
  const marketplace = { name, owner: author, metadata: { description, version }, plugins: [plugin] };
  return `${JSON.stringify(marketplace, null, 2)}\n`;
}

/** The marketplace of Codex, at the root of the repository. */
export function codexMarketplaceFile(root: string): string {
  const { name } = factsOf(root);
  const plugin = {
    name,
    source: { source: 'local', path: './integrations/codex' },
    policy: { installation: 'AVAILABLE', authentication: 'ON_INSTALL' },
    category: 'Productivity',
  };
  return `${JSON.stringify({ name, interface: { displayName: name }, plugins: [plugin] }, null, 2)}\n`;
}

function codex(add: Add, facts: Facts): void {
  const start = startIn('${PLUGIN_ROOT}');
  add('codex/.codex-plugin/plugin.json', {
    ...facts,
    skills: './skills/',
    hooks: './hooks/hooks.json',
    mcpServers: './.mcp.json',
    interface: {
      displayName: 'faiss-memory',
      shortDescription: 'Long-term memory across sessions',
      longDescription: facts.description,
      developerName: facts.author.name,
      category: 'Productivity',
      capabilities: ['Read', 'Write'],
      websiteURL: facts.homepage,
    },
  });
  add('codex/hooks/hooks.json', { hooks: hookGroups(hooksOf('codex'), start) });
  // A plugin's server starts in the folder of the plugin.
  add('codex/.mcp.json', {
    mcpServers: { 'faiss-memory': { command: 'node', args: ['./start.mjs'], cwd: '.' } },
  });
}

function cursor(add: Add, facts: Facts): void {
  const start = startIn('${CURSOR_PLUGIN_ROOT}');
  const hooks = hooksOf('cursor');
  add('cursor/.cursor-plugin/plugin.json', {
    ...facts,
    displayName: 'faiss-memory',
    skills: './skills/',
    hooks: './hooks/hooks.json',
    mcpServers: './mcp.json',
  });
  add('cursor/hooks/hooks.json', { ...hooks.members, hooks: hookGroups(hooks, start) });
  add('cursor/mcp.json', { mcpServers: { 'faiss-memory': start } });
}

function geminiCli(add: Add, { name, version, description }: Facts): void {
  const start = startIn('${extensionPath}');
  add('gemini-cli/gemini-extension.json', {
    name,
    version,
    description,
    mcpServers: { 'faiss-memory': start },
  });
  add('gemini-cli/hooks/hooks.json', { hooks: hookGroups(hooksOf('gemini-cli'), start) });
}

const SCHEMAS = 'https://agent-plugins.org/schemas/1.0.0';

function agentPlugin(add: Add, facts: Facts): void {
  add('agent-plugin/plugin.json', { $schema: `${SCHEMAS}/plugin.schema.json`, ...facts });
  add('agent-plugin/mcp.json', {
    $schema: `${SCHEMAS}/mcp.schema.json`,
    mcpServers: { 'faiss-memory': { type: 'stdio', ...startIn('${PLUGIN_ROOT}') } },
  });
}

function openCode(add: Add, plugin: string): void {
  add('opencode/faiss-memory.js', plugin);
  add('opencode/opencode.json', {
    $schema: 'https://opencode.ai/config.json',
    mcp: { 'faiss-memory': { type: 'local', command: ['npx', '-y', 'faiss-memory'], enabled: true } },
  });
}

function openClaw(add: Add): void {
  add('openclaw/openclaw.json', {
    mcp: { servers: { 'faiss-memory': { command: 'npx', args: ['-y', 'faiss-memory'] } } },
  });
}

const README = `# Packages for clients

Made by \`npm run integrations\` from one source; a test says when they are not up to date.
[docs/hooks.md](../docs/hooks.md) says how each is installed and what it does.

| folder | for |
| --- | --- |
| \`claude-code\` | Claude Code: \`/plugin marketplace add faiss-memory/faiss-memory\`, then \`/plugin install faiss-memory@faiss-memory\` |
| \`codex\` | Codex: \`codex plugin marketplace add faiss-memory/faiss-memory\`, then \`codex plugin add faiss-memory@faiss-memory\` |
| \`cursor\` | Cursor: copy it to \`~/.cursor/plugins/local/faiss-memory\` |
| \`gemini-cli\` | Gemini CLI: \`gemini extensions install\` with the path of the folder |
| \`agent-plugin\` | every client that reads Agent Plugins 1.0: server and skills, no hooks |
| \`opencode\` | OpenCode: the server for \`opencode.json\`, and a plugin for \`~/.config/opencode/plugins\` |
| \`openclaw\` | OpenClaw: the server for \`~/.openclaw/openclaw.json\` |
`;
