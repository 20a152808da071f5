// Makes a release: every artefact in release/, with checksums, and the tag.
//   npm run release -- --dry-run [--out FOLDER]   everything but the tag, of the version in package.json
//   npm run release -- 0.2.0                      sets the version everywhere, makes the artefacts, commits and tags
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { tryServer } from '../../src/cli/install/try-server.ts';
import { billOfMaterials } from './bill-of-materials.ts';
import { type Tool, writeBundle } from './bundle.ts';

const { values: flags, positionals } = parseArgs({
  options: { 'dry-run': { type: 'boolean', default: false }, out: { type: 'string', default: 'release' } },
  allowPositionals: true,
});
const OUT = flags.out;

async function main(): Promise<void> {
  const dryRun = flags['dry-run'];
  const version = positionals[0] ?? readVersion();
  if (!dryRun) prepare(version);
  console.log(`Making ${version}`);
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(OUT);
  run(process.execPath, ['scripts/build.mjs']);
  const tarball = pack(OUT);
  assertReproducible(tarball);
  const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-release-'));
  try {
    await writeBundle(folder, { version, tools: readTools(), to: OUT });
    await tryBundle(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  writeFileSync(
    join(OUT, `faiss-memory-${version}.cdx.json`),
    `${JSON.stringify(billOfMaterials(version), undefined, 2)}\n`,
  );
  writeFileSync(join(OUT, 'THIRD-PARTY-LICENSES.txt'), readFileSync('dist/THIRD-PARTY-LICENSES.txt'));
  writeFileSync(join(OUT, 'server.json'), readFileSync('server.json'));
  writeChecksums();
  for (const name of readdirSync(OUT)) console.log(`  ${join(OUT, name)}`);
  if (dryRun) return;
  run('git', ['add', 'package.json', 'package-lock.json', 'server.json', 'packaging']);
  run('git', ['commit', '--message', `Release ${version}`]);
  run('git', ['tag', '--annotate', `v${version}`, '--message', `faiss-memory ${version}`]);
  console.log(`Tagged v${version}. "git push --follow-tags" publishes it.`);
}

/** Sets the version everywhere. @throws Error when the work tree has changes or the changelog is not ready */
function prepare(version: string): void {
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) throw new Error(`"${version}" is no version such as 0.2.0`);
  if (execFileSync('git', ['status', '--porcelain'], { encoding: 'utf8' }) !== '') {
    throw new Error('The work tree has changes: commit or remove them first.');
  }
  run(process.execPath, ['scripts/check-changelog.mjs', '--release', version]);
  run('npm', ['version', version, '--no-git-tag-version', '--allow-same-version']);
  for (const path of ['server.json', 'packaging/mcpb/manifest.json']) {
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replaceAll(/(?<="version": ")[^"]+/g, version));
  }
}

function readVersion(): string {
  return (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version;
}

/** @returns path of the tarball */
function pack(to: string): string {
  const options = ['--ignore-scripts', '--json', '--pack-destination', to];
  const report = execFileSync('npm', ['pack', ...options], {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  const [packed] = JSON.parse(report) as { filename: string }[];
  if (packed === undefined) throw new Error('npm pack made no file');
  return join(to, packed.filename);
}

/** A stranger who packs the same commit gets the same bytes. */
function assertReproducible(tarball: string): void {
  const second = mkdtempSync(join(tmpdir(), 'faiss-memory-pack-'));
  try {
    const again = pack(second);
    if (hashOf(again) !== hashOf(tarball)) throw new Error('Two packs of the same files differ');
  } finally {
    rmSync(second, { recursive: true, force: true });
  }
}

function readTools(): Tool[] {
  const surface = JSON.parse(readFileSync('tests/surface/mcp-surface.json', 'utf8')) as { tools: Tool[] };
  return surface.tools.map(({ name, description }) => ({
    name,
    description: description.split('\n')[0] ?? '',
  }));
}

/** Starts the unpacked bundle as its manifest says, with all settings left empty as a host leaves them. */
async function tryBundle(folder: string): Promise<void> {
  const { server } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
    server: { mcp_config: { args: string[]; env: Record<string, string> } };
  };
  const { args, env } = server.mcp_config;
  const placed = args.map((argument) => argument.replace('${__dirname}', resolve(folder)));
  const launch = { command: process.execPath, args: placed, env };
  const { tools, version } = await tryServer(launch, {
    env: process.env,
    platform: process.platform,
    workingDirectory: folder,
  });
  console.log(`The bundle answers: version ${version} with ${tools} tools`);
}

function writeChecksums(): void {
  const lines = readdirSync(OUT).map((name) => `${hashOf(join(OUT, name))}  ${name}\n`);
  writeFileSync(join(OUT, 'SHA256SUMS'), lines.join(''));
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
}

await main();
