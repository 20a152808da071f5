import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { defaultConfigFile, pathsOf } from '../../config/environment.ts';
import { createFolders, writeDurably } from '../../util/durable-file.ts';
import type { ClientDescription, ClientEnvironment } from '../clients/clients.ts';
import { clientEnvironment, configuredServer, installedClients } from '../clients/this-machine.ts';
import { type CommandContext, type CommandOutcome, defineCommand } from '../command.ts';
import type { Host } from '../host.ts';
import { count } from '../render.ts';
import { addCommand } from './write.ts';
import { initCommand } from './init.ts';

/** A question that is asked only once. */
type Question = 'init' | 'memory';

interface Situation {
  /** Clients on this machine that start the server. */
  readonly configured: readonly ClientDescription[];
  /** Clients on this machine that do not. */
  readonly others: readonly ClientDescription[];
  readonly memories: number;
  readonly sync: boolean;
}

export const guideCommand = defineCommand({
  name: 'guide',
  summary: 'take the first steps, and see what can come next',
  details:
    'Adds the server to the clients and stores a first memory, if you want; each question is asked once. ' +
    'In a terminal, "faiss-memory" alone does the same. Without a terminal it only says what can come next.',
  arguments: [],
  options: {},
  examples: [
    ['faiss-memory guide', 'the first five minutes'],
    ['faiss-memory guide --json', 'what is set up, for a program'],
  ],
  run: async (context) => {
    const before = await look(context);
    if (!context.output.interactive || context.output.json) return describe(before);
    context.output.note('faiss-memory gives AI assistants a long-term memory that stays on this machine.\n');
    if (before.others.length > 0) await askOnce(context, 'init', () => offerInit(context));
    if (before.memories === 0) await askOnce(context, 'memory', () => offerMemory(context));
    return describe(await look(context));
  },
});

async function look(context: CommandContext): Promise<Situation> {
  const environment = clientEnvironment(context.host);
  const installed = installedClients(environment);
  const configured = installed.filter((client) => hasServer(client, environment));
  const { settings } = context.config();
  // A look creates no data folder.
  const memories = existsSync(settings.dataDir) ? (await (await context.app()).memory.stats()).live : 0;
  return {
    configured,
    others: installed.filter((client) => !configured.includes(client)),
    memories,
    sync: settings.sync.enabled,
  };
}

function hasServer(client: ClientDescription, environment: ClientEnvironment): boolean {
  try {
    return configuredServer(client, client.file(environment)) !== undefined;
  } catch {
    // There is no file yet, or init will report its fault.
    return false;
  }
}

/** @returns whether the user went along */
async function offerInit(context: CommandContext): Promise<boolean> {
  const options = { client: [], hooks: undefined, uninstall: false, dryRun: false, yes: false };
  const outcome = await initCommand.run(context, { args: [], options });
  if (outcome === undefined) return false;
  context.output.note(`${outcome.text}\n`);
  return (outcome.data as { readonly applied: boolean }).applied;
}

async function offerMemory(context: CommandContext): Promise<boolean> {
  const text = await context.output.ask(
    'Something worth remembering, in one sentence (Enter to skip): ',
    context.signal,
  );
  if (text === '') return false;
  const outcome = await addCommand.run(context, { args: [text], options: { tags: [], metadata: [] } });
  context.output.note(`${outcome?.text ?? ''}\n`);
  return true;
}

async function askOnce(
  context: CommandContext,
  question: Question,
  ask: () => Promise<boolean>,
): Promise<void> {
  const file = answersFile(context.host);
  const declined = readAnswers(file);
  if (declined.includes(question)) return;
  if (await ask()) return;
  try {
    createFolders(dirname(file));
    await writeDurably({ path: file, data: `${JSON.stringify({ declined: [...declined, question] })}\n` });
  } catch {
    // Where nothing can be kept, it is asked again next time.
  }
}

/** Beside the configuration. */
function answersFile(host: Host): string {
  const paths = pathsOf(host);
  return paths.join(paths.dirname(defaultConfigFile(host)), 'guide.json');
}

function readAnswers(file: string): string[] {
  try {
    const { declined } = JSON.parse(readFileSync(file, 'utf8')) as { declined?: unknown };
    return Array.isArray(declined) ? declined.filter((name) => typeof name === 'string') : [];
  } catch {
    return [];
  }
}

function describe({ configured, others, memories, sync }: Situation): CommandOutcome {
  const next = nextSteps({ configured, others, memories, sync });
  const names = (clients: readonly ClientDescription[]): string =>
    new Intl.ListFormat('en').format(clients.map(({ title }) => title));
  const state = [
    configured.length === 0
      ? 'No client starts the server yet.'
      : `${names(configured)} ${configured.length === 1 ? 'starts' : 'start'} the server.`,
    ...(others.length === 0 ? [] : [`Not set up: ${names(others)}.`]),
    `${count(memories, 'memory', 'memories')} here. Sync is ${sync ? 'on' : 'off'}.`,
  ];
  const width = Math.max(...next.map(({ command }) => command.length));
  const steps = next.map(({ command, reason }) => `  ${command.padEnd(width)}   ${reason}`);
  return {
    data: {
      clients: { configured: configured.map(({ name }) => name), others: others.map(({ name }) => name) },
      memories,
      sync,
      next: next.map(({ command, reason }) => ({ command, reason })),
    },
    text: [...state, '', 'Next steps:', ...steps, '', 'All commands: faiss-memory --help'].join('\n'),
  };
}

interface NextStep {
  readonly command: string;
  readonly reason: string;
  /** False for a step that was made. */
  readonly open?: boolean;
}

function nextSteps({ configured, others, memories, sync }: Situation): readonly NextStep[] {
  const steps: readonly NextStep[] = [
    {
      command: 'faiss-memory init',
      reason: 'add the server to the clients on this machine',
      open: others.length > 0 || configured.length === 0,
    },
    { command: 'faiss-memory add "some fact"', reason: 'store a memory yourself' },
    {
      command: 'faiss-memory import FILE',
      reason: 'bring in what you have elsewhere',
      open: memories === 0,
    },
    {
      command: 'faiss-memory search "a question"',
      reason: 'find memories by meaning and by words',
      open: memories > 0,
    },
    {
      command: 'faiss-memory sync doctor',
      reason: 'share memories between machines through a bucket of yours (docs/sync.md)',
      open: !sync,
    },
    { command: 'faiss-memory doctor', reason: 'check that everything works' },
  ];
  return steps.filter(({ open = true }) => open);
}
