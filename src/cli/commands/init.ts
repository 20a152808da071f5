import { existsSync } from 'node:fs';
import { pathsOf } from '../../config/environment.ts';
import { settingList } from '../../config/schema.ts';
import { UsageError } from '../../errors/input-errors.ts';
import { replaceClientFile } from '../clients/client-file.ts';
import { type ClientDescription, clientList, type ClientEnvironment } from '../clients/clients.ts';
import { type HooksChange, planChanges, type PlannedChange } from '../clients/plan-change.ts';
import { clientEnvironment, installedClients } from '../clients/this-machine.ts';
import {
  type CommandContext,
  type CommandOutcome,
  confirmed,
  defineCommand,
  list,
  oneOf,
  toggle,
} from '../command.ts';
import {
  installedLaunchCommand,
  installVersion,
  readInstallation,
  removeInstallation,
  switchTo,
} from '../install/installation.ts';
import { findProgram, isOlder, type ProgramCopy } from '../install/program-copy.ts';
import { packagePath, packageVersion } from '../../util/package.ts';
import { count } from '../render.ts';

const CLIENT_NAMES = clientList.map(({ name }) => name);

export const initCommand = defineCommand({
  name: 'init',
  summary: 'add the server to the MCP clients on this machine',
  details:
    'Installs this program once for your user, so that clients start it at once and without the network. ' +
    'Shows the change of each configuration file first, asks, and keeps a copy of the old file beside it. ' +
    'Comments, layout and other servers stay as they are; running it again changes nothing. ' +
    'With hooks, clients that have them also tell the model at the start of a session and at each prompt what it should ' +
    'know, and keep the conversations; without, the model has to call the server for all of it.',
  arguments: [],
  options: {
    client: list('--client <name>', 'only this client; repeatable (default: all installed)', CLIENT_NAMES),
    hooks: oneOf(
      '--hooks <choice>',
      ['on', 'off'],
      'also let clients recall and keep by themselves, or take that out (default: asked; else left as it is)',
    ),
    uninstall: toggle(
      '--uninstall',
      'take the server and the hooks out again, and remove the installed program; memories stay',
    ),
    dryRun: toggle('--dry-run', 'only show the changes'),
    yes: toggle('-y, --yes', 'do not ask'),
  },
  examples: [
    ['faiss-memory init', 'add the server to all clients that are installed'],
    ['faiss-memory init --hooks on', 'with hooks: clients recall and keep by themselves'],
    ['faiss-memory init --client claude-code --client codex --yes', 'to two clients, without a question'],
    ['faiss-memory init --data-dir ~/memories', 'with the memories in a folder of your choice'],
    ['faiss-memory init --dry-run', 'only show what would change'],
    ['faiss-memory init --uninstall', 'take the server out of all clients'],
  ],
  run: async (context, { options }) => {
    const environment = clientEnvironment(context.host);
    const { uninstall, dryRun, yes } = options;
    const settings = uninstall ? {} : chosenSettings(context);
    const launch = uninstall ? undefined : installedLaunchCommand(environment, settings);
    const clients = chosenClients(environment, options.client, uninstall);
    const hooks = await chosenHooks(context, clients, options);
    // All files are understood before the first one is changed.
    const plans: PlannedChange[] = [];
    for (const client of clients) plans.push(...(await planChanges(client, environment, { launch, hooks })));
    const changes = plans.filter(({ diff }) => diff !== '');
    const program = planProgram(environment, uninstall, options.client);
    const steps = [...program.steps, ...changes.map(({ diff }) => diff)];
    const shown = steps.join('\n\n');
    if (dryRun || steps.length === 0) return report(plans, { applied: false, dryRun, shown, program });
    if (!context.output.json) context.output.note(shown);
    if (!(await confirmed(context, questionFor(program, changes.length), yes))) {
      return report(plans, { applied: false, dryRun: false, shown: '', program });
    }
    // Clients never point to a program that is not there.
    await program.before(Date.now());
    const backups = new Map<string, string>();
    for (const { file, text } of changes) {
      const backup = await replaceClientFile(file, text);
      if (backup !== undefined) backups.set(file.path, backup);
    }
    await program.after();
    return report(plans, { applied: true, dryRun: false, shown: '', program, backups });
  },
});

interface HooksOptions {
  readonly hooks: 'on' | 'off' | undefined;
  readonly uninstall: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

/** Asks when a person is there who did not say it. */
async function chosenHooks(
  context: CommandContext,
  clients: readonly ClientDescription[],
  { hooks, uninstall, dryRun, yes }: HooksOptions,
): Promise<HooksChange> {
  if (uninstall || hooks === 'off') return 'remove';
  if (hooks === 'on') return 'set';
  const able = clients.filter((client) => client.hooks !== undefined);
  const { output, signal } = context;
  if (able.length === 0 || dryRun || yes || !output.interactive || output.json) return 'keep';
  const names = able.map(({ title }) => title).join(', ');
  const question = `Shall ${names} also recall at the start and at each prompt, and keep conversations, by hooks?`;
  return (await output.confirm(question, signal)) ? 'set' : 'keep';
}

/** The change of the installed program. */
interface PlannedProgram {
  readonly outcome: 'install' | 'remove' | 'unchanged';
  readonly path: string;
  /** Sentences to show; empty when there is nothing to do. */
  readonly steps: readonly string[];
  readonly before: (now: number) => Promise<void>;
  readonly after: () => Promise<void>;
}

function planProgram(
  environment: ClientEnvironment,
  uninstall: boolean,
  clients: readonly string[],
): PlannedProgram {
  const { root, launcher, current } = readInstallation(environment);
  const nothing = (): Promise<void> => Promise.resolve();
  const unchanged = {
    outcome: 'unchanged',
    path: launcher,
    steps: [],
    before: nothing,
    after: nothing,
  } as const;
  if (uninstall) {
    // Other clients may still start it.
    if (clients.length > 0 || !existsSync(root)) return unchanged;
    const after = async (): Promise<void> => {
      await removeInstallation(environment);
    };
    return {
      ...unchanged,
      outcome: 'remove',
      steps: [`Removes the program in ${root}; the memories stay.`],
      after,
    };
  }
  const program: ProgramCopy = findProgram(packagePath());
  // A newer or older version is the business of upgrade.
  if (current !== null && (current.digest === program.digest || isOlder(program.version, current.version))) {
    return unchanged;
  }
  const before = async (now: number): Promise<void> => {
    await switchTo(await installVersion(program, environment), environment, now);
  };
  return {
    ...unchanged,
    outcome: 'install',
    steps: [
      `Installs faiss-memory ${program.version} in ${root}, where clients start it without npx or the network.`,
    ],
    before,
  };
}

function questionFor({ outcome }: PlannedProgram, changes: number): string {
  const files = changes === 0 ? [] : [`change ${count(changes, 'file')}`];
  const program = outcome === 'unchanged' ? [] : [`${outcome} the program`];
  const text = [...program, ...files].join(' and ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}?`;
}

/** Settings given as flags become variables of the server, which starts in another folder. */
function chosenSettings(context: CommandContext): Record<string, string> {
  const { flagValues, host } = context;
  const given = settingList.filter(({ key }) => flagValues[key] !== undefined);
  // Refuses the settings that the server would refuse.
  if (Object.keys(flagValues).length > 0) context.config();
  return Object.fromEntries(
    given.map(({ key, setting }) => {
      const text = flagValues[key] ?? '';
      const value = key === 'dataDir' ? pathsOf(host).resolve(host.workingDirectory, text) : text;
      return [setting.environmentVariable, value];
    }),
  );
}

function chosenClients(
  environment: ClientEnvironment,
  names: readonly string[],
  uninstall: boolean,
): readonly ClientDescription[] {
  if (names.length > 0) return clientList.filter(({ name }) => names.includes(name));
  const installed = installedClients(environment);
  if (installed.length > 0 || uninstall) return installed;
  throw new UsageError(
    'no MCP client was found on this machine',
    `Name one with --client: ${CLIENT_NAMES.join(', ')}.`,
  );
}

interface Report {
  readonly applied: boolean;
  readonly dryRun: boolean;
  /** Diffs that are part of the result. */
  readonly shown: string;
  readonly program: PlannedProgram;
  readonly backups?: ReadonlyMap<string, string>;
}

function report(
  plans: readonly PlannedChange[],
  { applied, dryRun, shown, program, backups }: Report,
): CommandOutcome {
  const clients = plans.map(({ client, file, diff }) => ({
    client: client.name,
    file: file.path,
    outcome: diff === '' ? 'unchanged' : applied ? 'changed' : 'not-changed',
    diff,
    backup: backups?.get(file.path) ?? null,
  }));
  const lines = plans.flatMap(({ client, file, diff }) => {
    const backup = backups?.get(file.path);
    if (diff === '') return [`${client.title}: nothing to change (${file.path}).`];
    if (!applied) return [`${client.title}: not changed (${file.path}).`];
    const kept = backup === undefined ? [] : [`  Old file: ${backup}`];
    return [`${client.title}: changed ${file.path}`, ...kept, `  ${client.afterwards}`];
  });
  if (applied && program.outcome === 'install')
    lines.unshift(`Installed ${packageVersion()}: ${program.path}`);
  if (applied && program.outcome === 'remove')
    lines.push('The program was removed. The memories are still there.');
  if (dryRun) lines.push('This was a dry run; nothing was changed.');
  return {
    data: {
      applied,
      dry_run: dryRun,
      program: { outcome: program.outcome, launcher: program.path },
      clients,
    },
    text: [...(shown === '' ? [] : [shown, '']), ...lines].join('\n'),
  };
}
