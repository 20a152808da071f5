import { Argument, Command, CommanderError, Option } from 'commander';
import { settingList } from '../config/schema.ts';
import { UsageError } from '../errors/input-errors.ts';
import { packageVersion } from '../util/package.ts';
import type {
  CommandDeclaration,
  CommandGroup,
  CommandShape,
  OptionDeclaration,
  OptionShape,
  ProgramShape,
} from './command.ts';
import { EXIT_CODE_MEANINGS } from './exit-code.ts';

/** Options that every command takes, before or after its name. */
export interface GlobalOptions {
  readonly json: boolean;
  readonly configFile: string | undefined;
  /** Dotted key to text, from the settings' own flags and `--set`. */
  readonly flagValues: Readonly<Record<string, string>>;
}

/** Words that only stand before other commands, each with its subject. */
export const commandGroups: readonly CommandGroup[] = [
  { name: 'account', summary: 'people who sign in at an HTTP server of this data folder' },
  { name: 'conversations', summary: 'look at, delete and export conversations' },
  { name: 'user', summary: 'add, invite, remove, export and erase the people of a team' },
  { name: 'token', summary: 'personal tokens of people' },
  { name: 'space', summary: 'spaces of a team: members, removal, copies, audit log' },
  { name: 'sync', summary: 'keep backups at a remote, and share memories between machines' },
];

/** The words that give another command the same settings. Secrets are left out: flags refuse them, and nothing shows them. */
export function flagsOf({ configFile, flagValues }: GlobalOptions): string[] {
  const shown = new Set(settingList.filter(({ setting }) => !setting.secret).map(({ key }) => key));
  const settings = Object.entries(flagValues)
    .filter(([key]) => shown.has(key))
    .flatMap(([key, text]) => ['--set', `${key}=${text}`]);
  return configFile === undefined ? settings : ['--config', configFile, ...settings];
}

/** The command line of the user, in declared terms. */
export interface Invocation {
  readonly command: CommandDeclaration;
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly globals: GlobalOptions;
}

/**
 * Reads a command line.
 * @param commands those that it may name
 * @returns the command to run, or the text that --help or --version asked for
 * @throws UsageError
 */
export function parseCommandLine(
  argv: readonly string[],
  commands: readonly CommandDeclaration[],
): Invocation | string {
  let invocation: Invocation | undefined;
  const program = buildProgram(commands, (invoked) => {
    invocation = invoked;
  });
  let help = '';
  const collectHelp = (text: string): void => {
    help += text;
  };
  visit(program, (command) =>
    command
      .exitOverride()
      .configureOutput({ writeOut: collectHelp, writeErr: collectHelp, outputError: ignore }),
  );
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // A group without a command is a question for its help.
    if (error.exitCode === 0 || error.code === 'commander.help') return help.trimEnd();
    throw usageError(error, recognised(argv, commands));
  }
  return invocation ?? program.helpInformation().trimEnd();
}

function ignore(): void {
  // Errors are printed once, at the edge.
}

function visit(command: Command, action: (command: Command) => void): void {
  action(command);
  for (const child of command.commands) visit(child, action);
}

function usageError(error: CommanderError, words: readonly string[]): UsageError {
  const help = ['faiss-memory', ...words, '--help'].join(' ');
  const message = error.message.replace(/^error: /, '').replace('\n', ' ');
  return new UsageError(message, `Run "${help}" for what is allowed.`);
}

/** The command's words as far as they are right. */
function recognised(argv: readonly string[], commands: readonly CommandDeclaration[]): string[] {
  const words = new Set(commands.map(({ name }) => name.split(' ')[0] ?? name));
  const [first] = argv.filter((word) => words.has(word));
  const second = argv[first === undefined ? argv.length : argv.indexOf(first) + 1];
  return [first, commands.some(({ name }) => name === `${first} ${second}`) ? second : undefined].filter(
    (word) => word !== undefined,
  );
}

/** The command line's grammar. @param onInvoke called once when a command is recognised */
function buildProgram(
  commands: readonly CommandDeclaration[],
  onInvoke: (invocation: Invocation) => void,
): Command {
  const program = new Command('faiss-memory')
    .description('Long-term memory for AI assistants: an MCP server with search by meaning and by words.')
    .usage('[command] [options]')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ showGlobalOptions: true, helpWidth: 100 });
  for (const option of globalOptions()) program.addOption(option);
  program.addHelpText('after', programFooter());
  const groups = new Map(commandGroups.map((group) => [group.name, group.summary]));
  for (const declaration of commands) {
    const [word = '', member] = declaration.name.split(' ');
    const parent = member === undefined ? program : findOrAddGroup(program, word, groups.get(word));
    addCommand(parent, declaration, (args, options) => {
      onInvoke({ command: declaration, args, options, globals: readGlobals(program.opts()) });
    });
  }
  return program;
}

function globalOptions(): Option[] {
  return [
    new Option('--json', 'print JSON: the result, or {"error": {"code", "message", "fix"}}'),
    new Option('--config <file>', 'configuration file instead of the default one'),
    new Option('--data-dir <folder>', 'folder of the memories'),
    new Option('--space <id>', 'space of a team, on the machine of its server'),
    new Option('--log-level <level>', 'what is written to stderr: error, warn, info or debug'),
    new Option('--set <key=value>', 'any setting, for example embedding.provider=none; repeatable').argParser(
      collect,
    ),
  ];
}

function collect(text: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), text];
}

function readGlobals(options: Readonly<Record<string, unknown>>): GlobalOptions {
  const flagValues: Record<string, string> = {};
  for (const assignment of (options['set'] as string[] | undefined) ?? []) {
    const separator = assignment.indexOf('=');
    if (separator <= 0) {
      throw new UsageError(
        `--set got ${JSON.stringify(assignment)}, which is no assignment`,
        'Write key=value, for example --set embedding.provider=none.',
      );
    }
    flagValues[assignment.slice(0, separator)] = assignment.slice(separator + 1);
  }
  for (const { key, setting } of settingList) {
    const given = options[key];
    if (setting.flag !== undefined && typeof given === 'string') flagValues[key] = given;
  }
  const configFile = options['config'];
  return {
    json: options['json'] === true,
    configFile: typeof configFile === 'string' ? configFile : undefined,
    flagValues,
  };
}

/** The command of that name, which may do something by itself, or a group. */
function findOrAddGroup(program: Command, name: string, summary = ''): Command {
  const existing = program.commands.find((command) => command.name() === name);
  return existing ?? program.command(name).summary(summary).description(summary);
}

function addCommand(
  parent: Command,
  declaration: CommandDeclaration,
  onInvoke: (args: string[], options: Record<string, unknown>) => void,
): void {
  const command = parent
    .command(declaration.name.split(' ').at(-1) ?? declaration.name)
    .summary(declaration.summary)
    .description([declaration.summary, declaration.details].filter((part) => part !== undefined).join('\n\n'))
    .addHelpText('after', examplesText(declaration))
    .allowExcessArguments(false)
    .helpCommand(false);
  for (const { name, doc, choices } of declaration.arguments) {
    const argument = new Argument(name, doc);
    command.addArgument(choices === undefined ? argument : argument.choices(choices));
  }
  const options = Object.entries(declaration.options).map(([name, option]) => ({
    name,
    option: toOption(option),
    absent: ABSENT[option.kind],
  }));
  for (const { option } of options) command.addOption(option);
  command.action(() => {
    const given: Readonly<Record<string, unknown>> = command.opts();
    const values = options.map(({ name, option, absent }): [string, unknown] => [
      name,
      given[option.attributeName()] ?? absent,
    ]);
    onInvoke(command.args, Object.fromEntries(values));
  });
}

/** The value that `run` receives for an option that was not given. */
const ABSENT = { switch: false, value: undefined, list: [] } as const;

function toOption({ flags, doc, kind, choices }: OptionDeclaration<unknown>): Option {
  const option = new Option(flags, doc);
  if (kind !== 'list') return choices === undefined ? option : option.choices(choices);
  // Repeatable: each use adds one value, so that arguments after it are not swallowed.
  return option.argParser((text: string, previous: string[] | undefined) => {
    if (choices !== undefined && !choices.includes(text)) {
      throw new UsageError(
        `option '${flags}' got ${JSON.stringify(text)}`,
        `Allowed choices are ${choices.join(', ')}.`,
      );
    }
    return collect(text, previous);
  });
}

function examplesText({ examples }: CommandDeclaration): string {
  const lines = examples.flatMap(([command, explanation]) => [`  # ${explanation}`, `  ${command}`]);
  return ['', 'Examples:', ...lines].join('\n');
}

function programFooter(): string {
  return [
    '',
    'Exit codes:',
    ...EXIT_CODE_MEANINGS.map(([code, meaning]) => `  ${String(code).padEnd(4)} ${meaning}`),
    '',
    'Examples:',
    '  # add the server to the clients on this machine, after showing the changes',
    '  faiss-memory init',
    '  # store a memory',
    '  faiss-memory add "The staging server is 10.0.0.5" --tag ops',
    '  # find it again',
    '  faiss-memory search "where does staging run?"',
  ].join('\n');
}

/** @returns these commands and the options as the parser knows them */
export function describeProgram(commands: readonly CommandDeclaration[]): ProgramShape {
  const program = buildProgram(commands, () => undefined);
  return {
    options: program.options.map(optionShape),
    commands: program.commands.map(commandShape),
  };
}

function commandShape(command: Command): CommandShape {
  return {
    name: command.name(),
    summary: command.summary(),
    options: command.options.map(optionShape),
    words: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    commands: command.commands.map(commandShape),
  };
}

function optionShape(option: Option): OptionShape {
  return {
    names: [option.short, option.long].filter((name) => name != null),
    doc: option.description,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? [],
  };
}
