import type { OptionShape, ProgramShape } from './program-shape.ts';

/** Completes commands, options and the values of options that have a few; files otherwise. */
export const completionScripts = { bash, zsh, fish } as const;

export type Shell = keyof typeof completionScripts;

function bash(program: ProgramShape): string {
  const commands = program.commands.map(({ name }) => name);
  const cases = program.commands.map(({ name, options, words }) => {
    const offered = [...words, ...names(options), ...names(program.options), '--help'];
    return `    ${name}) words="${offered.join(' ')}" ;;`;
  });
  const choices = program.commands.flatMap(({ name, options }) =>
    options
      .filter((option) => option.choices.length > 0)
      .map(
        (option) =>
          `    ${option.names.map((word) => `${name}:${word}`).join('|')}) words="${option.choices.join(' ')}" ;;`,
      ),
  );
  return [
    '_faiss_memory() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" command="" word words=""',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    `    case "$word" in ${commands.join('|')}) command="$word"; break ;; esac`,
    '  done',
    '  case "$command" in',
    `    "") words="${[...commands, ...names(program.options), '--help'].join(' ')}" ;;`,
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
  const lines = program.options.map((option) => `${start}${fishOption(option)}`);
  for (const { name, summary, options, words } of program.commands) {
    lines.push(`${start} -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`);
    const within = `${start} -n '__fish_seen_subcommand_from ${name}'`;
    if (words.length > 0) lines.push(`${within} -f -a ${quoted(words.join(' '))}`);
    lines.push(...options.map((option) => within + fishOption(option)));
  }
  return lines.join('\n');
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
