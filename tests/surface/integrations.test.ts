import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  codexMarketplaceFile,
  integrationFiles,
  marketplaceFile,
} from '../../scripts/integrations/packages.ts';
import { SKILLS } from '../../scripts/integrations/skills.ts';
import { appFolder } from '../../src/cli/install/installation.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';

const FILES = integrationFiles('.');

function json(path: string): unknown {
  return JSON.parse(FILES.get(path) ?? 'null');
}

/** Every text in a value. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

describe('the packages for clients', () => {
  test('are up to date; otherwise run "npm run integrations"', () => {
    const present = readdirSync('integrations', { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).replaceAll('\\', '/'));
    expect(present.sort()).toEqual([...FILES.keys()].map((path) => `integrations/${path}`).sort());
    for (const [path, content] of FILES)
      expect(readFileSync(join('integrations', path), 'utf8'), path).toBe(content);
    expect(readFileSync('.claude-plugin/marketplace.json', 'utf8')).toBe(marketplaceFile('.'));
    expect(readFileSync('.agents/plugins/marketplace.json', 'utf8')).toBe(codexMarketplaceFile('.'));
  });

  test('call the program at every moment that a client has, without a shell where that is possible', () => {
    const { hooks } = json('claude-code/hooks/hooks.json') as {
      hooks: Record<string, { hooks: { command: string; args: string[] }[] }[]>;
    };
    expect(Object.keys(hooks)).toEqual([
      'SessionStart',
      'UserPromptSubmit',
      'Stop',
      'PreCompact',
      'SessionEnd',
    ]);
    for (const [{ hooks: [hook] } = { hooks: [] }] of Object.values(hooks)) {
      expect(hook?.command).toBe('node');
      expect(hook?.args.slice(0, 2)).toEqual(['${CLAUDE_PLUGIN_ROOT}/start.mjs', 'hook']);
    }
  });

  test('where a client has only a shell, call it by a line that every shell reads alike', () => {
    for (const client of ['codex', 'cursor', 'gemini-cli']) {
      const lines = textsIn(json(`${client}/hooks/hooks.json`)).filter((text) => text.includes('start.mjs'));
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines)
        expect(line).toMatch(/^node "\$\{\w+\}\/start\.mjs" hook [a-z-]+ --client [a-z-]+$/);
    }
  });

  test('have skills in the form of agentskills.io', () => {
    expect(SKILLS.map(({ name }) => name)).toEqual(['remember', 'recall', 'setup']);
    for (const { name, description } of SKILLS) {
      expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(description.length).toBeLessThanOrEqual(1_024);
      const file = FILES.get(`agent-plugin/skills/${name}/SKILL.md`) ?? '';
      expect(file.startsWith(`---\nname: ${name}\ndescription: `)).toBe(true);
    }
  });

  test('follow Agent Plugins 1.0: closed manifests, one executable, arguments apart', () => {
    const allowed = [
      '$schema',
      'name',
      'version',
      'description',
      'author',
      'homepage',
      'repository',
      'license',
      'keywords',
    ];
    const manifest = json('agent-plugin/plugin.json') as Record<string, unknown>;
    expect(Object.keys(manifest).filter((name) => !allowed.includes(name))).toEqual([]);
    expect(json('agent-plugin/mcp.json')).toEqual({
      $schema: 'https://agent-plugins.org/schemas/1.0.0/mcp.schema.json',
      mcpServers: { 'faiss-memory': { type: 'stdio', command: 'node', args: ['${PLUGIN_ROOT}/start.mjs'] } },
    });
  });

  test('have the version of the package', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    for (const path of [
      'claude-code/.claude-plugin/plugin.json',
      'codex/.codex-plugin/plugin.json',
      'cursor/.cursor-plugin/plugin.json',
      'gemini-cli/gemini-extension.json',
      'agent-plugin/plugin.json',
    ])
      expect(json(path), path).toMatchObject({ name: 'faiss-memory', version });
  });

  test('start what init installed before all else', () => {
    const home = temporaryFolder();
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      USERPROFILE: home,
      LOCALAPPDATA: join(home, 'local'),
    };
    const folder = appFolder({
      env,
      platform: process.platform,
      homeDirectory: home,
      workingDirectory: home,
    });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'faiss-memory.mjs'), 'console.log(process.argv.slice(1).join(" "));\n');
    const start = resolve('integrations/claude-code/start.mjs');
    const printed = execFileSync(process.execPath, [start, 'hook', 'prompt'], { env, encoding: 'utf8' });
    expect(printed.trim()).toBe(`${join(folder, 'faiss-memory.mjs')} hook prompt`);
  });

  test('say nothing in a hook when no program is there', () => {
    const home = temporaryFolder();
    const lone = join(home, 'plugin', 'start.mjs');
    mkdirSync(join(home, 'plugin'));
    writeFileSync(lone, readFileSync('integrations/codex/start.mjs'));
    const env = { PATH: '', HOME: home, USERPROFILE: home };
    expect(execFileSync(process.execPath, [lone, 'hook', 'stop'], { env, encoding: 'utf8' })).toBe('');
  });
});
