import { existsSync, readdirSync } from 'node:fs';
import { pathsOf } from '../../config/environment.ts';
import { settingList } from '../../config/schema.ts';
import { UsageError } from '../../errors/input-errors.ts';
import { replaceClientFile } from '../clients/client-file.ts';
import {
  type ClientDescription,
  clientList,
  type ClientEnvironment,
  defaultLaunchCommand,
} from '../clients/clients.ts';
import { planChange, type PlannedChange } from '../clients/plan-change.ts';
import {
  type CommandContext,
  type CommandOutcome,
  confirmed,
  defineCommand,
  list,
  toggle,
} from '../command.ts';
import type { Host } from '../host.ts';
import { count } from '../render.ts';

const CLIENT_NAMES = clientList.map(({ name }) => name);

export const initCommand = defineCommand({
  name: 'init',
  summary: 'add the server to the MCP clients on this machine',
  details:
    'Shows the change of each configuration file first, asks, and keeps a copy of the old file beside it. ' +
    'Comments, layout and other servers stay as they are; running it again changes nothing.',
  arguments: [],
  options: {
    client: list('--client <name>', 'only this client; repeatable (default: all installed)', CLIENT_NAMES),
    uninstall: toggle('--uninstall', 'take the server out again; memories stay'),
    dryRun: toggle('--dry-run', 'only show the changes'),
    yes: toggle('-y, --yes', 'do not ask'),
  },
  examples: [
    ['faiss-memory init', 'add the server to all clients that are installed'],
    ['faiss-memory init --client claude-code --client codex --yes', 'to two clients, without a question'],
    ['faiss-memory init --data-dir ~/memories', 'with the memories in a folder of your choice'],
    ['faiss-memory init --dry-run', 'only show what would change'],
    ['faiss-memory init --uninstall', 'take the server out of all clients'],
  ],
  run: async (context, { options }) => {
    const environment = clientEnvironment(context.host);
    const { uninstall, dryRun, yes } = options;
    const launch = uninstall
      ? undefined
      : defaultLaunchCommand(environment.platform, chosenSettings(context));
    // All files are understood before the first one is changed.
    const plans: PlannedChange[] = [];
    for (const client of chosenClients(environment, options.client)) {
      plans.push(await planChange(client, environment, launch));
    }
    const changes = plans.filter(({ diff }) => diff !== '');
    const shown = changes.map(({ diff }) => diff).join('\n\n');
    if (dryRun || changes.length === 0) return report(plans, { applied: false, dryRun, shown });
    if (!context.output.json) context.output.note(shown);
    const question = `Change ${count(changes.length, 'file')}?`;
    if (!(await confirmed(context, question, yes))) {
      return report(plans, { applied: false, dryRun: false, shown: '' });
    }
    const backups = new Map<string, string>();
    for (const { client, file, text } of changes) {
      const backup = await replaceClientFile(file, text);
      if (backup !== undefined) backups.set(client.name, backup);
    }
    return report(plans, { applied: true, dryRun: false, shown: '', backups });
  },
});

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

function clientEnvironment({ env, platform, homeDirectory, workingDirectory }: Host): ClientEnvironment {
  return { env, platform, homeDirectory, workingDirectory, listFolder };
}

function listFolder(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function chosenClients(
  environment: ClientEnvironment,
  names: readonly string[],
): readonly ClientDescription[] {
  if (names.length > 0) return clientList.filter(({ name }) => names.includes(name));
  const installed = clientList.filter((client) => existsSync(client.evidence(environment)));
  if (installed.length > 0) return installed;
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
  readonly backups?: ReadonlyMap<string, string>;
}

function report(
  plans: readonly PlannedChange[],
  { applied, dryRun, shown, backups }: Report,
): CommandOutcome {
  const clients = plans.map(({ client, file, diff }) => ({
    client: client.name,
    file: file.path,
    outcome: diff === '' ? 'unchanged' : applied ? 'changed' : 'not-changed',
    diff,
    backup: backups?.get(client.name) ?? null,
  }));
  const lines = plans.flatMap(({ client, file, diff }) => {
    const backup = backups?.get(client.name);
    if (diff === '') return [`${client.title}: nothing to change (${file.path}).`];
    if (!applied) return [`${client.title}: not changed (${file.path}).`];
    const kept = backup === undefined ? [] : [`  Old file: ${backup}`];
    return [`${client.title}: changed ${file.path}`, ...kept, `  ${client.afterwards}`];
  });
  if (dryRun) lines.push('This was a dry run; nothing was changed.');
  return {
    data: { applied, dry_run: dryRun, clients },
    text: [...(shown === '' ? [] : [shown, '']), ...lines].join('\n'),
  };
}
