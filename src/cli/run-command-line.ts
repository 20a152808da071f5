import type { App } from '../app/app.ts';
import type { Team } from '../app/team.ts';
import { resolveConfig, type ResolvedConfig } from '../config/resolve.ts';
import { UsageError } from '../errors/input-errors.ts';
import { settleWithin } from '../util/concurrency.ts';
import { visibleLine } from '../util/visible-text.ts';
import type { CommandContext, CommandOutcome } from './command.ts';
import { EXIT_CODES, type ExitCode, exitCodeOf } from './exit-code.ts';
import { allCommands, findCommands } from './find-commands.ts';
import type { Host } from './host.ts';
import { Output } from './output.ts';
import {
  describeProgram,
  flagsOf,
  type GlobalOptions,
  type Invocation,
  parseCommandLine,
} from './program.ts';

/** How long a command that was asked to stop may finish its writes. */
const STOP_WAIT_MS = 3_000;

/** How long the end of a command waits for work that has taken too long already. */
const ABANDONED_WAIT_MS = 2_000;

/** Parses, runs and prints one command; never throws. */
export async function runCommandLine(argv: readonly string[], host: Host): Promise<ExitCode> {
  const output = new Output(host, { json: asksForJson(argv) });
  const interruption = watchInterruptions(host);
  try {
    const words = argv.length === 0 ? ['guide'] : argv;
    const parsed = parseCommandLine(words, await findCommands(words));
    if (typeof parsed !== 'string') return await runInvocation(parsed, { host, output, interruption });
    await output.raw(`${parsed}\n`);
    return EXIT_CODES.ok;
  } catch (error) {
    await output.error(error);
    return exitCodeOf(error);
  } finally {
    interruption.dispose();
  }
}

/** Known before parsing, because parse errors are printed as JSON too. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? undefined : end).includes('--json');
}

interface Surroundings {
  readonly host: Host;
  readonly output: Output;
  readonly interruption: Interruption;
}

async function runInvocation(invocation: Invocation, surroundings: Surroundings): Promise<ExitCode> {
  const { output, interruption } = surroundings;
  const { command, args, options } = invocation;
  const writes = command.writes?.({ args, options }) ?? false;
  const session = openSession({ ...invocation.globals, writes }, surroundings);
  let abandonsWork = false;
  try {
    refuseSpace(invocation);
    const running = command.run(session.context, { args, options });
    const outcome = await untilDoneOrStopped(running, interruption);
    abandonsWork = outcome?.abandonsWork ?? false;
    if (outcome !== undefined) await output.result(outcome);
    return stopCode(interruption) ?? outcome?.exitCode ?? EXIT_CODES.ok;
  } catch (error) {
    const stopped = stopCode(interruption);
    if (stopped !== undefined) return stopped;
    await output.error(error, command.ownsStdout?.({ args, options }) ?? false);
    return exitCodeOf(error);
  } finally {
    output.repeatFlags(flagsOf(invocation.globals));
    await (abandonsWork ? settleWithin(session.close(), ABANDONED_WAIT_MS) : session.close());
  }
}

/** An option that is taken and does nothing would let people believe that the work was about the space. */
function refuseSpace({ command: { name, isOfServer = false }, globals }: Invocation): void {
  if (!isOfServer || globals.flagValues['space'] === undefined) return;
  throw new UsageError(
    `--space does not belong to "${name}", which is not about the memories of one space`,
    'Leave it out.',
  );
}

async function untilDoneOrStopped(
  running: Promise<CommandOutcome | undefined>,
  interruption: Interruption,
): Promise<CommandOutcome | undefined> {
  const stopped = interruption.stopped.then(() => settleWithin(running, STOP_WAIT_MS));
  return Promise.race([running, stopped]);
}

function stopCode({ reason }: Interruption): ExitCode | undefined {
  if (reason === undefined) return undefined;
  return reason === 'broken-pipe' ? EXIT_CODES.ok : EXIT_CODES.interrupted;
}

interface Session {
  readonly context: CommandContext;
  close(): Promise<void>;
}

/** Reads the configuration and opens the services only when a command asks for them. */
function openSession(
  globals: GlobalOptions & { readonly writes: boolean },
  { host, output, interruption }: Surroundings,
): Session {
  let config: ResolvedConfig | undefined;
  let app: Promise<App> | undefined;
  let team: Promise<Team> | undefined;
  const configWith = (values: Readonly<Record<string, string>>): ResolvedConfig => {
    const flags = { configFile: globals.configFile, values: { ...globals.flagValues, ...values } };
    const resolved = resolveConfig({ ...host, flags });
    for (const warning of resolved.warnings) output.note(`Warning: ${visibleLine(warning)}`);
    return resolved;
  };
  const readConfig = (): ResolvedConfig => (config ??= configWith({}));
  const openTeam = async (): Promise<Team> => {
    const { settings } = readConfig();
    const { openTeamOf } = await import('../app/team.ts');
    return openTeamOf(settings);
  };
  const openApp = async (): Promise<App> => {
    const { startApp } = await import('../app/start-app.ts');
    const { settings } = readConfig();
    const opened = await startApp(settings, { isAudited: settings.team.enabled });
    if (globals.writes) await opened.tidy();
    return opened;
  };
  return {
    context: {
      host,
      output,
      signal: interruption.signal,
      flagValues: globals.flagValues,
      config: readConfig,
      configWith,
      app: () => (app ??= openApp()),
      team: () => (team ??= openTeam()),
      grammar: async () => describeProgram(await allCommands()),
      releaseSignals: () => {
        interruption.dispose();
      },
    },
    close: async () => {
      const opened = await app?.catch(() => undefined);
      await opened?.close();
      await (await team?.catch(() => undefined))?.close();
    },
  };
}

/** Why a command should stop. */
export type StopReason = 'interrupt' | 'broken-pipe';

interface Interruption {
  readonly signal: AbortSignal;
  /** Undefined while nothing happened. */
  readonly reason: StopReason | undefined;
  /** Resolves when the command should stop. */
  readonly stopped: Promise<void>;
  /** Removes the listeners. */
  dispose(): void;
}

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Turns Ctrl-C, SIGTERM, a closed terminal and an output that nobody reads any more into one abort signal. A second
 * Ctrl-C is left to the default handler, which ends the process at once.
 */
function watchInterruptions(host: Host): Interruption {
  const controller = new AbortController();
  let reason: StopReason | undefined;
  const stopped = new Promise<void>((resolve) => {
    controller.signal.addEventListener('abort', () => {
      resolve();
    });
  });
  const dispose = (): void => {
    for (const name of STOP_SIGNALS) process.removeListener(name, onSignal);
  };
  const stop = (why: StopReason): void => {
    reason ??= why;
    dispose();
    controller.abort();
  };
  const onSignal = (): void => {
    stop('interrupt');
  };
  const onOutputError = (): void => {
    stop('broken-pipe');
  };
  for (const name of STOP_SIGNALS) process.on(name, onSignal);
  host.stdout.on('error', onOutputError);
  // Whoever reads the log or the progress no more misses that, and the work goes on.
  host.stderr.on('error', () => undefined);
  return {
    signal: controller.signal,
    get reason() {
      return reason;
    },
    stopped,
    dispose,
  };
}
