import type { App } from '../app.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import type { ProgramShape } from './program-shape.ts';
import type { ExitCode } from './exit-code.ts';
import type { Host } from './host.ts';
import type { CommandResult, Output } from './output.ts';

/** One option of a command. `Value` is what `run` receives. */
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

/** What a command may use. */
export interface CommandContext {
  readonly host: Host;
  readonly output: Output;
  /** Aborted by Ctrl-C and when nobody reads stdout any more. */
  readonly signal: AbortSignal;
  /** The configuration, read on first use. @throws ConfigurationError */
  config(): ResolvedConfig;
  /** The configuration with further values by dotted key, as if given as flags. @throws ConfigurationError */
  configWith(values: Readonly<Record<string, string>>): ResolvedConfig;
  /** The services, opened on first use; the caller of the command closes them. */
  app(): Promise<App>;
  /** The whole command line as data. */
  grammar(): ProgramShape;
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

/** A command: how it is called, and what it does. It returns data; the program prints it. */
export interface CommandDeclaration<Declarations extends OptionDeclarations = OptionDeclarations> {
  /** What is typed: a word, or two when the command belongs to a group or to another command. */
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly details?: string;
  readonly arguments: readonly ArgumentDeclaration[];
  readonly options: Declarations;
  /** Command lines with what they do. */
  readonly examples: readonly (readonly [command: string, explanation: string])[];
  /** True when stdout carries data or a protocol, so that errors go to stderr even with `--json`. */
  readonly ownsStdout?: (input: CommandInput<Declarations>) => boolean;
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
