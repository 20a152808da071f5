import type { CommandDeclaration, CommandShape, OptionShape } from '../../src/cli/command.ts';
import { commandList } from '../../src/cli/command-list.ts';
import { EXIT_CODE_MEANINGS } from '../../src/cli/exit-code.ts';
import { describeProgram } from '../../src/cli/program.ts';
import { cell, GENERATED } from './markdown.ts';

/** The text of docs/cli.md. */
export function cliReference(): string {
  return [
    '# Command line',
    GENERATED,
    'MCP clients start `faiss-memory` without arguments and without a terminal; it then serves MCP over stdio. In a terminal it shows the first steps. Results go to stdout, everything else to stderr. With `--json`, stdout has one JSON document.',
    '## Options of every command',
    optionTable(describeProgram(commandList).options),
    '## Exit codes',
    [
      '| code | meaning |',
      '| --- | --- |',
      ...EXIT_CODE_MEANINGS.map(([code, meaning]) => `| ${code} | ${cell(meaning)} |`),
    ].join('\n'),
    '## JSON',
    'With `--json` a command prints the JSON of the REST API ([rest.md](rest.md)): names in `snake_case`, times in UTC as ISO 8601, nothing that is empty.',
    [
      '| command | the same as |',
      '| --- | --- |',
      ...SAME_JSON.map(([name, as]) => `| ${name} | ${as} |`),
    ].join('\n'),
    '`add`, `update`, `import` and `restore-deleted` also have `embedding` (`pending`, `problem`) when they end before every new text has its embedding.',
    '## Commands',
    ...commandList.flatMap(commandSection),
  ].join('\n\n');
}

const SAME_JSON: readonly (readonly [command: string, as: string])[] = [
  ['`add`', '`POST /memory/add`'],
  ['`search`', '`POST /search`'],
  ['`list`', '`GET /memories`'],
  ['`get`', '`memories`: each as `GET /memory/{id}`'],
  ['`update`', '`PATCH /memory/{id}`'],
  ['`delete` with ids', '`DELETE /memory/{id}`, and with `--purge` `POST /memory/{id}/purge`'],
  ['`delete` with a filter or `--dry-run`', '`POST /memory/delete-by-source`'],
  ['`restore-deleted`', '`memories`: each as `POST /memory/{id}/restore`'],
  ['`import`', '`POST /import`'],
  ['`stats`', '`GET /stats`'],
  ['`backup`', '`POST /sync/upload`'],
  ['`backup list`', '`GET /backups`'],
  ['`restore`, `sync restore`', '`POST /restore`, `POST /sync/restore/{backup_name}`'],
  ['`sync pull`', '`POST /sync/download`'],
  ['`sync snapshots`', '`GET /sync/snapshots`'],
  ['`sync status`', '`GET /sync/status`'],
  ['`sync machines`', '`machines` of `GET /sync/status`'],
];

function commandSection(command: CommandDeclaration): string[] {
  const usage = ['faiss-memory', command.name, ...command.arguments.map(({ name }) => name)].join(' ');
  const options = findCommand(describeProgram(commandList).commands, command.name.split(' '))?.options ?? [];
  return [
    `### ${command.name}`,
    `\`${usage}${options.length > 0 ? ' [options]' : ''}\` – ${command.summary}.`,
    ...(command.details === undefined ? [] : [command.details]),
    ...(command.arguments.length === 0
      ? []
      : [command.arguments.map(({ name, doc }) => `- \`${name}\`: ${doc}`).join('\n')]),
    ...(options.length === 0 ? [] : [optionTable(options)]),
    ['```sh', ...command.examples.map(([line, explanation]) => `# ${explanation}\n${line}`), '```'].join(
      '\n',
    ),
  ];
}

function findCommand(
  commands: readonly CommandShape[],
  [first, ...rest]: readonly string[],
): CommandShape | undefined {
  const found = commands.find(({ name }) => name === first);
  return rest.length === 0 ? found : findCommand(found?.commands ?? [], rest);
}

function optionTable(options: readonly OptionShape[]): string {
  const rows = options.map(({ names, doc, choices }) => {
    const allowed =
      choices.length === 0 ? '' : ` One of ${choices.map((choice) => `\`${choice}\``).join(', ')}.`;
    return `| ${names.map((name) => `\`${name}\``).join(', ')} | ${cell(doc + allowed)} |`;
  });
  return ['| option | meaning |', '| --- | --- |', ...rows].join('\n');
}
