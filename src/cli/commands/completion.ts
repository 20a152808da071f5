import { type CommandShape, defineCommand, type OptionShape, type ProgramShape } from '../command.ts';

/** Completes commands, options and the values of options that have a few; files otherwise. */
const completionScripts = { bash, zsh, fish } as const;

type Shell = keyof typeof completionScripts;

/** A command under all of its words, for example `sync status`. */
interface PathedCommand extends CommandShape {
  readonly path: string;
}

function pathed(commands: readonly CommandShape[], prefix = ''): PathedCommand[] {
  return commands.flatMap((command) => {
    const path = prefix + command.name;
    return [{ ...command, path }, ...pathed(command.commands, `${path} `)];
  });
}

function bash(program: ProgramShape): string {
  const all = pathed(program.commands);
  const top = [...program.commands.map(({ name }) => name), ...names(program.options), '--help'];
  const cases = all.map(({ path, options, words, commands }) => {
    const members = commands.map(({ name }) => name);
    const offered = [...members, ...words, ...names(options), ...names(program.options), '--help'];
    return `    "${path}") words="${offered.join(' ')}" ;;`;
  });
  const choices = all.flatMap(({ path, options }) =>
    options
      .filter((option) => option.choices.length > 0)
      .map(
        (option) =>
          `    ${option.names.map((word) => `"${path}:${word}"`).join('|')}) words="${option.choices.join(' ')}" ;;`,
      ),
  );
  return [
    '_faiss_memory() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" command="" word words=""',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    `    case "\${command:+$command }$word" in ${all.map(({ path }) => `"${path}"`).join('|')}) command="\${command:+$command }$word" ;; esac`,
    '  done',
    '  case "$command" in',
    `    "") words="${top.join(' ')}" ;;`,
    ...cases,
    '  esac',
    '  case "$command:$previous" in',
    ...choices,
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -o default -F _faiss_memory faiss-memory',
  ].join('\n');
}

/** zsh runs the completion of bash through its own adapter. */
function zsh(program: ProgramShape): string {
  return [
    'autoload -U +X compinit && compinit',
    'autoload -U +X bashcompinit && bashcompinit',
    bash(program),
  ].join('\n');
}

function fish(program: ProgramShape): string {
  const start = 'complete -c faiss-memory';
  const parents = program.commands.filter(({ commands }) => commands.length > 0).map(({ name }) => name);
  const lines = program.options.map((option) => `${start}${fishOption(option)}`);
  for (const command of program.commands) {
    const { name, summary, options, words, commands } = command;
    lines.push(`${start} -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`);
    const members = commands.map((member) => member.name);
    // `list` after `backup` is another command than `list`.
    const within = [seen([name]), ...unseen([...parents.filter((parent) => parent !== name), ...members])];
    const condition = `${start} -n '${within.join('; and ')}'`;
    if (words.length > 0) lines.push(`${condition} -f -a ${quoted(words.join(' '))}`);
    lines.push(...options.map((option) => condition + fishOption(option)));
    for (const member of commands) {
      lines.push(`${condition} -f -a ${member.name} -d ${quoted(member.summary)}`);
      const inMember = `${start} -n '${seen([name])}; and ${seen([member.name])}'`;
      lines.push(...member.options.map((option) => inMember + fishOption(option)));
    }
  }
  return lines.join('\n');
}

function seen(words: readonly string[]): string {
  return `__fish_seen_subcommand_from ${words.join(' ')}`;
}

function unseen(words: readonly string[]): string[] {
  return words.length === 0 ? [] : [`not ${seen(words)}`];
}

function fishOption({ names: words, doc, takesValue, choices }: OptionShape): string {
  const flags = words.map((word) =>
    word.startsWith('--') ? ` -l ${word.slice(2)}` : ` -s ${word.slice(1)}`,
  );
  const values = choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : takesValue ? ' -r' : '';
  return `${flags.join('')}${values} -d ${quoted(doc)}`;
}

/** In single quotes, as fish reads them. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function names(options: readonly OptionShape[]): string[] {
  return options.flatMap((option) => option.names);
}

const SHELLS = Object.keys(completionScripts) as readonly Shell[];

export const completionCommand = defineCommand({
  name: 'completion',
  isOfServer: true,
  summary: 'print a script that completes commands and options in a shell',
  arguments: [{ name: '<shell>', doc: 'bash, zsh or fish', choices: SHELLS }],
  options: {},
  examples: [
    ['faiss-memory completion bash > ~/.local/share/bash-completion/completions/faiss-memory', 'for bash'],
    [`echo 'source <(faiss-memory completion zsh)' >> ~/.zshrc`, 'for zsh'],
    ['faiss-memory completion fish > ~/.config/fish/completions/faiss-memory.fish', 'for fish'],
  ],
  run: async (context, { args: [name] }) => {
    // The parser allows nothing else.
    const shell = SHELLS.find((known) => known === name) ?? 'bash';
    const script = completionScripts[shell](await context.grammar());
    return { data: { shell, script }, text: script };
  },
});
