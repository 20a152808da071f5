import type { Command, Option } from 'commander';
import { buildProgram } from './program.ts';
import type { CommandShape, OptionShape, ProgramShape } from './program-shape.ts';

/** @returns the commands and options that the parser knows */
export function describeProgram(): ProgramShape {
  const program = buildProgram(() => undefined);
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
