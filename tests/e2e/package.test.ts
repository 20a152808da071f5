import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { build } from 'esbuild';
import { parse as parseJsonc } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { serverEnvironment, temporaryFolder } from '../helpers/mcp/server-environment.ts';

/** On Windows npm and npx are scripts, which only a shell can start. */
const NEEDS_SHELL = process.platform === 'win32';
const MAX_BYTES = 45_000_000;
/** Everything that a user gets; each pattern has to match at least one file. */
const NEEDED: readonly RegExp[] = [
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|mcp\.json\.example)$/,
  /^dist\/(index|testing|bin\/faiss-memory|store\/(worker\/server|try-folder)|embedding\/embedding-worker)\.js$/,
  /^dist\/chunks\/[\w-]+\.js$/,
  /^dist\/THIRD-PARTY-LICENSES\.txt$/,
  /^dist\/ui\/(index\.html|app\.(js|css)|icon\.svg)$/,
  /^dist\/runtime\/(first-answers\.json|LICENSE\.txt|onnxruntime-web\.mjs|ort-wasm-simd-threaded\.(mjs|wasm))$/,
  /^models\/e5-small-v2-int8\/(model\.onnx|tokenizer\.json|token-projection\.bin|README\.md|LICENSE-[\w.-]+)$/,
  /^integrations\/(README\.md|[a-z-]+\/(start\.mjs|skills\/[a-z]+\/SKILL\.md|hooks\/hooks\.json|[\w./-]+\.(json|js)))$/,
  /^vendor\/faiss-wasm\/(faiss\.wasm|README\.md|LICENSE-\w+)$/,
];
/** Type declarations, which the quick build of the tests leaves out. */
const TYPES = /^dist\/.*\.d\.ts$/;

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

interface Launch {
  readonly command: string;
  readonly args: string[];
}

describe('the npm package', () => {
  let folder = '';
  let packed: Packed = { filename: '', size: Infinity, files: [] };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'faiss-memory-package-'));
    const shell = { encoding: 'utf8', stdio: 'pipe', shell: NEEDS_SHELL } as const;
    const report = execFileSync(
      'npm',
      ['pack', '--ignore-scripts', '--json', '--pack-destination', folder],
      shell,
    );
    [packed = packed] = JSON.parse(report) as Packed[];
    writeFileSync(join(folder, 'package.json'), '{"private": true}\n');
    const options = ['--ignore-scripts=false', '--prefer-offline', '--no-audit', '--no-fund'];
    execFileSync('npm', ['install', ...options, `./${packed.filename}`], { ...shell, cwd: folder });
  }, 300_000);

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test('is small enough', () => {
    expect(packed.size).toBeLessThan(MAX_BYTES);
  });

  test('holds what is needed and nothing else', () => {
    const paths = packed.files.map(({ path }) => path);
    const unknown = paths.filter((path) => ![...NEEDED, TYPES].some((pattern) => pattern.test(path)));
    expect(unknown).toEqual([]);
    for (const pattern of NEEDED) expect(paths).toContainEqual(expect.stringMatching(pattern));
  });

  test('runs where it is installed', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    const printed = execFileSync('npx', ['--no-install', 'faiss-memory', '--version'], {
      cwd: folder,
      encoding: 'utf8',
      shell: NEEDS_SHELL,
    });
    expect(printed.trim()).toBe(version);
  });

  test('is embedded by another program as examples/embed shows', async () => {
    await build({
      entryPoints: ['examples/embed/embed.ts'],
      outfile: join(folder, 'embed.mjs'),
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
      target: 'node20',
      // Without the paths of this repository: the packages come from the folder.
      tsconfigRaw: {},
    });
    const printed = execFileSync(process.execPath, ['embed.mjs'], { cwd: folder, encoding: 'utf8' });
    expect(printed.trim().split('\n')).toEqual([
      'found by hybrid: Maja cannot eat hazelnuts',
      'versions: current: The staging server is 10.20.0.6; replaced: The staging server is 10.20.0.5',
      'memories: 3',
      'backup: written, 3 memories',
      'found by letters: Maja cannot eat hazelnuts',
      'error: NOT_FOUND: Use an id from a search or a list.',
      'the fake was asked: passage: tea is in the left cupboard, query: tea',
    ]);
  });

  test.each(['claude-desktop', 'claude-code', 'cursor', 'vs-code', 'codex'])(
    'starts as mcp.json.example says for %s',
    async (name) => {
      const { command, args } = exampleLaunch(name);
      const data = temporaryFolder();
      // Offline: npx must find the installed package and fetch nothing.
      const env = serverEnvironment(data, { npm_config_offline: 'true' });
      const client = new Client({ name: 'faiss-memory-tests', version: '1.0.0' });
      onTestFinished(() => client.close());
      await client.connect(new StdioClientTransport({ command, args, env, cwd: folder, stderr: 'ignore' }));
      expect(client.getServerVersion()?.name).toBe('faiss-memory');
      expect((await client.listTools()).tools).toHaveLength(10);
    },
  );
});

/** How a client that reads its part of the example would start the server. */
function exampleLaunch(name: string): Launch {
  const examples = parseJsonc(readFileSync('mcp.json.example', 'utf8')) as Record<string, unknown>;
  const part = examples[name];
  const config = Array.isArray(part) ? parseToml(part.join('\n')) : part;
  const [servers] = Object.values(config as Record<string, Record<string, Launch>>);
  const launch = servers?.['faiss-memory'];
  if (launch === undefined) throw new Error(`mcp.json.example has no server for ${name}`);
  return launch;
}
