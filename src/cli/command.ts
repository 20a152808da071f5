import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../app/app.ts';
import type { Team } from '../app/team.ts';
import type { WorkOptions } from '../backup/backup-api.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { UsageError } from '../errors/input-errors.ts';
import type { MemoryApi, Stats } from '../memory/memory-api.ts';
import { settleWithin } from '../util/concurrency.ts';
import { visibleLine } from '../util/visible-text.ts';
import type { ExitCode } from './exit-code.ts';
import type { Host } from './host.ts';
import type { CommandResult, Output, Progress } from './output.ts';
import { count, timeLeft } from './render.ts';

/** One option of a command. `run` receives a `Value`. */
export interface OptionDeclaration<Value> {
  /** As in the help, for example `-n, --limit <count>`. */
  readonly flags: string;
  readonly doc: string;
  readonly kind: 'switch' | 'value' | 'list';
  readonly choices?: readonly string[];
  /** Only for inference; never present. */
  readonly value?: Value;
}

/** An option without a value. */
export function toggle(flags: string, doc: string): OptionDeclaration<boolean> {
  return { flags, doc, kind: 'switch' };
}

/** An option with one value. */
export function value(flags: string, doc: string): OptionDeclaration<string | undefined> {
  return { flags, doc, kind: 'value' };
}

/** An option with one value out of a few. */
export function oneOf<const Word extends string>(
  flags: string,
  choices: readonly Word[],
  doc: string,
): OptionDeclaration<Word | undefined> {
  return { flags, doc, kind: 'value', choices };
}

/** An option that may be given several times. */
export function list(flags: string, doc: string, choices?: readonly string[]): OptionDeclaration<string[]> {
  return { flags, doc, kind: 'list', ...(choices === undefined ? {} : { choices }) };
}

export type OptionDeclarations = Readonly<Record<string, OptionDeclaration<unknown>>>;

export type OptionValues<Declarations extends OptionDeclarations> = {
  readonly [Name in keyof Declarations]: Declarations[Name] extends OptionDeclaration<infer Value>
    ? Value
    : never;
};

export interface ArgumentDeclaration {
  /** As in the help: `<id>` required, `[text...]` optional and many. */
  readonly name: string;
  readonly doc: string;
  readonly choices?: readonly string[];
}

export interface CommandInput<Declarations extends OptionDeclarations> {
  /** All arguments in order. */
  readonly args: readonly string[];
  readonly options: OptionValues<Declarations>;
}

/** The means of a command. */
export interface CommandContext {
  readonly host: Host;
  readonly output: Output;
  /** Aborted by Ctrl-C and when the reader of stdout is gone. */
  readonly signal: AbortSignal;
  /** The configuration, read on first use. @throws ConfigurationError */
  config(): ResolvedConfig;
  /** The configuration with further values by dotted key, as if given as flags. @throws ConfigurationError */
  configWith(values: Readonly<Record<string, string>>): ResolvedConfig;
  /** The services, opened on first use; the caller of the command closes them. */
  app(): Promise<App>;
  /** The people and spaces of the data folder, opened on first use; the caller of the command closes them. */
  team(): Promise<Team>;
  /** The whole command line as data. */
  grammar(): Promise<ProgramShape>;
  /** Leaves SIGINT and SIGTERM to the command; `signal` is then aborted by a broken pipe only. */
  releaseSignals(): void;
  /** Text of the settings given as flags, by dotted key. */
  readonly flagValues: Readonly<Record<string, string>>;
}

export interface CommandOutcome extends CommandResult {
  readonly exitCode?: ExitCode;
  /** Some of its work did not end, so the program does not wait for that either. */
  readonly abandonsWork?: boolean;
}

/** A command: its call and its work. It returns data; the program prints it. */
export interface CommandDeclaration<Declarations extends OptionDeclarations = OptionDeclarations> {
  /** The word to type, or two when the command belongs to a group or to another command. */
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly details?: string;
  readonly arguments: readonly ArgumentDeclaration[];
  readonly options: Declarations;
  /** Command lines, each with an explanation. */
  readonly examples: readonly (readonly [command: string, explanation: string])[];
  /** True when stdout carries data or a protocol, so that errors go to stderr even with `--json`. */
  readonly ownsStdout?: (input: CommandInput<Declarations>) => boolean;
  /** True when it changes memories or backups: memories that are due for erasure are erased before. A dry run changes nothing. */
  readonly writes?: (input: CommandInput<Declarations>) => boolean;
  /** True when it is about the server or the machine as a whole, so that it refuses `--space`. */
  readonly isOfServer?: boolean;
  /** Undefined when the command wrote its result itself. */
  run(context: CommandContext, input: CommandInput<Declarations>): Promise<CommandOutcome | undefined>;
}

/** A word before other commands that does nothing by itself. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
}

/** Ties the types of the options to `run`. */
export function defineCommand<const Declarations extends OptionDeclarations>(
  declaration: CommandDeclaration<Declarations>,
): CommandDeclaration {
  // Safe: the program builds the values of exactly these options before it calls `run`.
  return declaration as unknown as CommandDeclaration;
}

export interface OptionShape {
  /** `--limit`, and `-n` where there is a short form. */
  readonly names: readonly string[];
  readonly doc: string;
  /** True when a value follows. */
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

export interface CommandShape {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionShape[];
  /** Allowed words of its arguments, where they are limited. */
  readonly words: readonly string[];
  /** Commands whose names follow its own. */
  readonly commands: readonly CommandShape[];
}

/** The whole command line as data, for completion scripts. */
export interface ProgramShape {
  readonly options: readonly OptionShape[];
  readonly commands: readonly CommandShape[];
}

/**
 * Asks before something that matters. `yes` answers for the user; without it and without a terminal the
 * question cannot be asked. @throws UsageError then
 */
export async function confirmed(context: CommandContext, question: string, yes: boolean): Promise<boolean> {
  if (yes) return true;
  const { output, signal } = context;
  if (!output.interactive || output.json) {
    throw new UsageError(`${question} It cannot be asked here`, 'Add --yes to go ahead.');
  }
  return output.confirm(question, signal);
}

/** Runs work that Ctrl-C aborts and whose steps are shown on stderr. */
export async function longWork<Result>(
  { output, signal }: CommandContext,
  work: (options: WorkOptions) => Promise<Result>,
): Promise<Result> {
  let shown: { readonly step: string; readonly progress: Progress } | undefined;
  try {
    return await work({
      signal,
      onProgress: ({ step, done, total }) => {
        if (shown?.step !== step) {
          shown?.progress.finish();
          const title = step.charAt(0).toUpperCase() + step.slice(1);
          shown = { step, progress: output.progress(title) };
        }
        shown.progress.update({ done, total });
      },
    });
  } finally {
    shown?.progress.finish();
  }
}

/** How long a command embeds before it ends, and how long it waits for a model that is loading. */
const EMBED_LIMIT_MS = 10_000;
const WARM_UP_LIMIT_MS = 20_000;
/** How long `stats` and `doctor` watch whether the number of memories without an embedding falls. */
const WATCH_MS = 2_000;

/** How many memories have no embedding when a command ends, and why. */
export interface MissingEmbeddings {
  readonly pending: number;
  /** Empty = the time was too short, or the user stopped it. */
  readonly problem: string;
  readonly stopped: boolean;
  /** The command that adds them, to be typed into a shell. */
  readonly fix: string;
}

const NONE_MISSING: MissingEmbeddings = { pending: 0, problem: '', stopped: false, fix: '' };

/**
 * A command's process ends at once, so it gives new texts their vectors itself, for a limited time. The next server or
 * `reembed` does the rest; search finds such texts by words until then.
 * @param patience `watched`: goes on to the end while a person sees the progress in a terminal, and can stop it
 */
export async function embedBeforeExit(
  context: CommandContext,
  patience: 'short' | 'watched' = 'short',
): Promise<MissingEmbeddings> {
  const { output, signal } = context;
  const app = await context.app();
  if (app.settings.embedding.provider === 'none') return NONE_MISSING;
  const progress = patience === 'watched' && output.watched ? output.progress('Embedding') : undefined;
  const limit = new AbortController();
  const stop = (): void => {
    limit.abort();
  };
  signal.addEventListener('abort', stop);
  let problem = '';
  try {
    if (!signal.aborted) {
      const work = app.memory.reembed((reached) => progress?.update(reached), limit.signal);
      await (progress === undefined ? settleWithin(work, EMBED_LIMIT_MS) : work);
    }
  } catch (error) {
    if (error instanceof FaissMemoryError) problem = error.message;
  } finally {
    stop();
    signal.removeEventListener('abort', stop);
    progress?.finish();
  }
  const missing = await missingEmbeddings(context);
  return problem === '' ? missing : { ...missing, problem };
}

/** A command of this program on the same memories, to be typed into a shell. */
function commandLine({ flagValues }: CommandContext, command: string): string {
  const { dataDir } = flagValues;
  const folder = dataDir === undefined ? '' : ` --data-dir ${inShell(dataDir)}`;
  return `faiss-memory ${command}${folder}`;
}

function inShell(text: string): string {
  if (/^[\w\-./\\:@+~]+$/.test(text)) return text;
  return process.platform === 'win32' ? `"${text}"` : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** For a command that embeds nothing more. */
export async function missingEmbeddings(context: CommandContext): Promise<MissingEmbeddings> {
  const { memory, settings } = await context.app();
  if (settings.embedding.provider === 'none') return NONE_MISSING;
  try {
    const { pending, problem } = (await memory.stats()).embedding;
    return { pending, problem, stopped: context.signal.aborted, fix: commandLine(context, 'reembed') };
  } catch {
    // The command has done its work, so failing to count is not its failure.
    return NONE_MISSING;
  }
}

/** For the result of a command: no line and no member when nothing is missing. */
export function missingText({ pending, problem, stopped, fix }: MissingEmbeddings): string[] {
  if (pending === 0) return [];
  const failure = stopped ? 'because you stopped it' : 'because the time was too short';
  const why = problem === '' ? failure : `because of this: ${visibleLine(problem)}`;
  const what = count(pending, 'memory has', 'memories have');
  return [
    `${what} no embedding yet, ${why}. Search finds such memories by words; a running server adds the embeddings ` +
      `in the background, or run this: ${visibleLine(fix)}`,
  ];
}

export function missingData({ pending, problem, fix }: MissingEmbeddings): object {
  if (pending === 0) return {};
  return {
    embedding: { pending, ...(problem === '' ? {} : { problem }), fix },
  };
}

/** Waits for the model, so that the command's one answer can be by meaning; failing is the service's to report. */
export async function warmUpQuietly({ embedder }: App, signal: AbortSignal): Promise<void> {
  // An endpoint has nothing to load.
  if (signal.aborted || embedder.ready) return;
  await settleWithin(embedder.warmUp(), WARM_UP_LIMIT_MS).catch(() => undefined);
}

/** Statistics, with the time until every memory has an embedding if another process is at it now. */
export async function statsWithProgress(memory: MemoryApi, signal?: AbortSignal): Promise<Stats> {
  const before = await memory.stats();
  const { pending, problem } = before.embedding;
  if (pending === 0 || problem !== '') return before;
  await sleep(WATCH_MS, undefined, signal === undefined ? {} : { signal });
  const now = await memory.stats();
  const embedded = pending - now.embedding.pending;
  if (embedded <= 0 || now.embedding.pending === 0) return now;
  const secondsLeft = Math.ceil((now.embedding.pending * WATCH_MS) / embedded / 1_000);
  return { ...now, embedding: { ...now.embedding, secondsLeft } };
}

/** For example `2619 of 3000 memories have none yet (381 are done, about 3 min left)`. */
export function describeBacklog({ embedding }: Stats): string {
  const { pending, done, total, withoutTokens, secondsLeft, problem, details } = embedding;
  if (details['provider'] === 'none') return 'switched off; search is by words';
  if (pending === 0)
    return withoutTokens === 0
      ? 'every memory has one'
      : `every memory has one; ${withoutTokens} of ${total} wait for token vectors, and are found without them`;
  const left =
    secondsLeft !== undefined
      ? `, about ${timeLeft(secondsLeft)} left`
      : problem === ''
        ? '; no running server adds them at the moment'
        : `; this fails: ${problem}`;
  return `${pending} of ${total} memories have none yet (${done} are done${left})`;
}
