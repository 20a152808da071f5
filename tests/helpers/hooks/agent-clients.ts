import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

/** The clients that the tests run, as they are published; 800 MB together. */
export const CLIENTS = {
  'claude-code': { package: '@anthropic-ai/claude-code', version: '2.1.332' },
  codex: { package: '@openai/codex', version: '0.171.0' },
  'gemini-cli': { package: '@google/gemini-cli', version: '0.61.0' },
  opencode: { package: 'opencode-ai', version: '1.18.33' },
} as const;

export type AgentClient = keyof typeof CLIENTS;

/** Where they are kept between runs; `AGENT_CLIENTS_DIR` names another folder. */
const cacheFolder = process.env['AGENT_CLIENTS_DIR'] ?? join(tmpdir(), 'faiss-memory-agent-clients');
const INSTALL_LIMIT_MS = 600_000;

/** A program and the arguments before all others. */
export type ClientCommand = readonly [command: string, ...args: string[]];

/**
 * Finds a client, and installs it when it is not there.
 * @returns the reason, as a text, when it cannot be installed
 */
export async function installAgentClient(client: AgentClient): Promise<ClientCommand | string> {
  const { package: name, version } = CLIENTS[client];
  const folder = join(cacheFolder, `${name.split('/').at(-1) ?? client}-${version}`);
  const known = commandIn(client, folder);
  if (known !== undefined) return known;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private": true}\n');
  try {
    // Without scripts: their only work is to choose the package of this platform.
    const words = ['install', '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${version}`];
    const shell = process.platform === 'win32';
    await promisify(execFile)('npm', words, { cwd: folder, timeout: INSTALL_LIMIT_MS, shell });
  } catch (error) {
    return `${name}@${version} cannot be installed: ${error instanceof Error ? error.message : String(error)}`;
  }
  return commandIn(client, folder) ?? `${name}@${version} has no program for ${process.platform}`;
}

function commandIn(client: AgentClient, folder: string): ClientCommand | undefined {
  const modules = join(folder, 'node_modules');
  const end = process.platform === 'win32' ? '.exe' : '';
  const [scope, name, ...path] = {
    'claude-code': ['@anthropic-ai', 'claude-code-', `claude${end}`],
    codex: ['@openai', 'codex-', 'vendor', '*', 'bin', `codex${end}`],
    'gemini-cli': ['@google', 'gemini-cli', 'bundle', 'gemini.js'],
    opencode: ['', 'opencode-', 'bin', `opencode${end}`],
  }[client];
  const root = join(modules, scope ?? '');
  for (const found of namesIn(root).filter((one) => one.startsWith(name ?? ''))) {
    const place = path.reduce(
      (at, part) => join(at, part === '*' ? (namesIn(at)[0] ?? '') : part),
      join(root, found),
    );
    if (path.length > 0 && existsSync(place) && fits(found))
      return client === 'gemini-cli' ? [process.execPath, place] : [place];
  }
  return undefined;
}

/** Packages for other C libraries and for old processors are installed too. */
function fits(name: string): boolean {
  return !name.includes('musl') && !name.includes('baseline');
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

export interface ClientRun {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Runs a client to its end. @returns what it printed */
export async function runClient(
  [command, ...before]: ClientCommand,
  args: readonly string[],
  { folder, env, input = '' }: ClientRun,
): Promise<string> {
  const child = spawn(command, [...before, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm', ...env },
  });
  child.stdin.on('error', () => undefined).end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return `${stdout}\n${stderr}`;
}
