import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { pathsOf } from '../../config/environment.ts';
import { UsageError } from '../../errors/input-errors.ts';
import { packagePath } from '../../util/package.ts';
import { startable } from '../../util/start-command.ts';
import { type CommandContext, type CommandOutcome, defineCommand, toggle, value } from '../command.ts';
import type { Host } from '../host.ts';
import {
  type Installation,
  type InstalledVersion,
  installVersion,
  readInstallation,
  switchTo,
} from '../install/installation.ts';
import { COPIED_ENTRY, findProgram, isOlder, type ProgramCopy } from '../install/program-copy.ts';

export const upgradeCommand = defineCommand({
  name: 'upgrade',
  isOfServer: true,
  summary: 'make clients start another version of this program',
  details:
    'Installs the version beside the one that is there, runs its doctor with a copy of the configuration and without ' +
    'your memories, and only then makes clients start it. Running servers go on with theirs until they are started again. ' +
    'Before a newer version changes the format of the database, it copies the database to the folder backups.',
  arguments: [],
  options: {
    from: value('--from <path>', 'package file (npm pack) or folder of the version (default: this program)'),
    back: toggle('--back', 'go back to the version before'),
  },
  examples: [
    ['faiss-memory upgrade --from faiss-memory-0.2.0.tgz', 'install a version that you downloaded'],
    ['faiss-memory upgrade --back', 'start the version before again'],
  ],
  run: async (context, { options: { from, back } }) => {
    const installation = readInstallation(context.host);
    if (installation.current === null) {
      throw new UsageError('nothing is installed for your user yet', 'Run "faiss-memory init".');
    }
    if (back) return goBack(context.host, installation);
    return withProgram(context.host, from, (program) => upgrade(context, installation, program));
  },
});

async function goBack(host: Host, { current, previous }: Installation): Promise<CommandOutcome> {
  if (previous === null) {
    throw new UsageError(
      'there is no version to go back to',
      'Use --from with the package file of the version.',
    );
  }
  const now = await switchTo(previous, host, Date.now());
  const text = [
    `Clients start ${previous.version} again.`,
    `If ${current?.version ?? 'the other version'} changed the format of the database, ${previous.version} refuses it. ` +
      'The database from before is then backups/before-v….sqlite in the data folder.',
  ].join('\n');
  return outcome(now, current, text);
}

async function upgrade(
  context: CommandContext,
  { current }: Installation,
  program: ProgramCopy,
): Promise<CommandOutcome> {
  const { host } = context;
  if (current?.digest === program.digest) {
    const text = `${current.version} is installed, and this is it. For another version, use --from with its package file or folder.`;
    return outcome(readInstallation(host), current, text);
  }
  if (current !== null && isOlder(program.version, current.version)) {
    throw new UsageError(
      `${program.version} is older than ${current.version}, which is installed and may have changed the format of the database`,
      'Use --back for the version before.',
    );
  }
  const installed = await installVersion(program, host);
  await examine(installed, context);
  const now = await switchTo(installed, host, Date.now());
  return outcome(
    now,
    current,
    [
      `Clients start ${installed.version} from now on. Running servers go on until they are started again.`,
      'To go back: faiss-memory upgrade --back',
    ].join('\n'),
  );
}

/** The running program, a folder, or a package file. */
async function withProgram(
  host: Host,
  from: string | undefined,
  work: (program: ProgramCopy) => Promise<CommandOutcome>,
): Promise<CommandOutcome> {
  if (from === undefined) return work(findProgram(packagePath()));
  const path = pathsOf(host).resolve(host.workingDirectory, from);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new UsageError(`there is no ${path}`, 'Name a package file or a folder.');
  try {
    return stats.isDirectory()
      ? await work(findProgram(path))
      : await withUnpackedPackage(host, realpathSync(path), (folder) => work(findProgram(folder)));
  } catch (error) {
    // Errors of the program itself, such as a full disk, carry their own remedy.
    if (!(error instanceof Error) || error.name !== 'Error') throw error;
    throw new UsageError(
      `${path} cannot be installed: ${error.message}`,
      'Name a package file or a folder of faiss-memory.',
    );
  }
}

const DOCTOR_LIMIT_MS = 90_000;

/** Runs the doctor of the new version with an empty data folder: opening the real one could change its format. */
async function examine({ folder, version }: InstalledVersion, context: CommandContext): Promise<void> {
  const { root } = readInstallation(context.host);
  const trial = mkdtempSync(join(tmpdir(), 'faiss-memory-trial-'));
  try {
    const { configFile } = context.config();
    const copy = join(trial, 'config.json');
    if (configFile !== undefined && existsSync(configFile)) copyFileSync(configFile, copy);
    const env = {
      ...context.host.env,
      ...(existsSync(copy) ? { MEMORY_CONFIG: copy } : {}),
      MEMORY_DATA_DIR: join(trial, 'memories'),
      CLOUD_SYNC_ENABLED: 'false',
    };
    const failures = await failedFindings([join(root, folder, ...COPIED_ENTRY), 'doctor', '--json'], env);
    if (failures.length === 0) return;
    throw new UsageError(
      `${version} is not used, because its doctor found problems: ${failures.join('; ')}`,
      'Correct them and run upgrade again. Clients start the version that was there.',
    );
  } finally {
    rmSync(trial, { recursive: true, force: true, maxRetries: 3 });
  }
}

function failedFindings(args: readonly string[], env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...args],
      { env, timeout: DOCTOR_LIMIT_MS, windowsHide: true },
      (error, stdout) => {
        try {
          const { findings } = JSON.parse(stdout) as {
            findings: readonly { check: string; status: string; message: string }[];
          };
          const failed = findings.filter(({ status }) => status === 'fail');
          resolve(failed.map(({ check, message }) => `${check}: ${message}`));
        } catch {
          resolve([`doctor gave no answer (${error?.message.split('\n')[0] ?? 'no JSON'})`]);
        }
      },
    );
  });
}

function outcome(
  { current, previous, launcher }: Installation,
  before: InstalledVersion | null,
  text: string,
): CommandOutcome {
  return {
    data: {
      current: current?.version ?? null,
      before: before?.version ?? null,
      previous: previous?.version ?? null,
      launcher,
    },
    text,
  };
}

const NPM_LIMIT_MS = 180_000;
const MAX_REASON = 600;

/**
 * Installs a package file with its dependencies in a temporary folder, runs the work with the package's folder, and
 * removes it. npm takes packages from its cache, and asks the registry for the rest.
 * @param tarball absolute path of a file made by `npm pack`
 * @throws Error with the last words of npm
 */
async function withUnpackedPackage<Result>(
  host: Host,
  tarball: string,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'faiss-memory-upgrade-'));
  try {
    await writeFile(join(folder, 'package.json'), '{"private": true}\n');
    const options = ['--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
    await runNpm(host, ['install', ...options, tarball], folder);
    return await work(join(folder, 'node_modules', 'faiss-memory'));
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function runNpm({ env, platform }: Host, args: readonly string[], cwd: string): Promise<void> {
  const script = npmScripts(process.execPath).find((path) => existsSync(path));
  const { file, ...npm } =
    script === undefined
      ? startable('npm', args, { env, platform, workingDirectory: cwd })
      : { file: process.execPath, args: [script, ...args], windowsVerbatimArguments: false };
  try {
    await promisify(execFile)(file, [...npm.args], {
      cwd,
      windowsVerbatimArguments: npm.windowsVerbatimArguments,
      timeout: NPM_LIMIT_MS,
      windowsHide: true,
    });
  } catch (error) {
    const { stderr } = error as { stderr?: unknown };
    const words = typeof stderr === 'string' && stderr.trim() !== '' ? stderr.trim() : String(error);
    throw new Error(`npm could not install it: ${words.slice(-MAX_REASON)}`, { cause: error });
  }
}

/** npm's own script, which needs no shell on Windows: beside node there, below lib elsewhere. */
function npmScripts(node: string): string[] {
  const script = join('node_modules', 'npm', 'bin', 'npm-cli.js');
  return [join(dirname(node), script), join(dirname(node), '..', 'lib', script)];
}
