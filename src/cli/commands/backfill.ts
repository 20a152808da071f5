import { UsageError } from '../../errors/input-errors.ts';
import {
  byAge,
  findTranscripts,
  TRANSCRIPT_CLIENTS,
  type TranscriptFile,
} from '../../import-export/transcripts/find-transcripts.ts';
import { parseFilter } from '../../memory/filter.ts';
import {
  type CommandContext,
  type CommandOutcome,
  confirmed,
  defineCommand,
  embedBeforeExit,
  list,
  missingData,
  missingText,
  toggle,
  value,
} from '../command.ts';
import { EXIT_CODES } from '../exit-code.ts';
import { openNotes, problemNoter, readFiles, type TranscriptTotals } from '../read-transcripts.ts';
import { count } from '../render.ts';

const CLIENT_NAMES = TRANSCRIPT_CLIENTS.join(', ');

export const backfillCommand = defineCommand({
  name: 'backfill',
  summary: "take the conversations that this machine's clients have kept",
  details:
    `Finds the transcripts of ${CLIENT_NAMES}, says how many conversations it would take and of which projects, ` +
    'asks, and takes them. Tool output, reminders and other junk stay out. What was read is remembered, so the next ' +
    'run reads only what is new; nothing is taken twice.',
  arguments: [],
  options: {
    client: list('--client <name>', 'only of this client; repeatable', TRANSCRIPT_CLIENTS),
    since: value(
      '--since <time>',
      'only transcripts that changed since then: a date, a time, or an age such as 30d',
    ),
    dryRun: toggle('--dry-run', 'only show what would be taken'),
    again: toggle('--again', 'read transcripts from their beginning that were read before'),
    yes: toggle('-y, --yes', 'do not ask'),
  },
  examples: [
    ['faiss-memory backfill', 'look, ask, and take everything'],
    ['faiss-memory backfill --since 90d --client claude-code', 'the last three months of one client'],
    ['faiss-memory backfill --dry-run --json', 'what is there?'],
  ],
  writes: ({ options }) => !options.dryRun,
  run: async (context, { options }) => {
    const files = await findFiles(context, options);
    const notes = await openNotes(await context.app());
    const found = await readFiles(context, files, {
      notes,
      isStored: false,
      again: options.again,
      title: 'Looking at transcripts',
    });
    if (options.dryRun || found.turns === 0 || !found.completed) return lookedOnly(context, found);
    context.output.note(found.text());
    const question = `Take ${count(found.turns, 'turn')} into the memory?`;
    if (!(await confirmed(context, question, options.yes)))
      return { data: { taken: false }, text: 'Nothing was taken.' };
    const onProblem = problemNoter(context);
    const again = options.again;
    const taken = await readFiles(context, files, {
      notes,
      isStored: true,
      again,
      title: 'Taking',
      onProblem,
    });
    return report(context, taken);
  },
});

interface Choice {
  readonly client: readonly string[];
  readonly since: string | undefined;
}

async function findFiles(
  context: CommandContext,
  { client, since }: Choice,
): Promise<readonly TranscriptFile[]> {
  const { host } = context;
  const zone = (await context.app()).memory.timeZone;
  const { createdAfter = -Infinity } = parseFilter({ after: since }, { now: Date.now(), zone });
  const chosen = TRANSCRIPT_CLIENTS.filter((name) => client.length === 0 || client.includes(name));
  if (host.homeDirectory === '') throw new UsageError('The home folder is not known', 'Set HOME.');
  const found = await Promise.all(chosen.map((name) => findTranscripts(name, host)));
  return byAge(found.flat().filter(({ modified }) => modified >= createdAfter));
}

function lookedOnly(context: CommandContext, found: TranscriptTotals): CommandOutcome {
  const nothing = found.turns === 0 ? ['There is nothing new to take.'] : ['Nothing was taken.'];
  return {
    data: { ...found.data(), dry_run: true },
    text: [found.text(), ...nothing].join('\n'),
    exitCode: context.signal.aborted ? EXIT_CODES.interrupted : EXIT_CODES.ok,
  };
}

async function report(context: CommandContext, taken: TranscriptTotals): Promise<CommandOutcome> {
  const missing = taken.completed ? await embedBeforeExit(context, 'watched') : undefined;
  const { added, updated, known } = taken.counts;
  const lines = [
    taken.text(),
    `${count(added, 'turn')} added, ${updated} updated, ${known} already there.`,
    ...(taken.completed ? [] : ['Interrupted; run it again to go on.']),
    ...(missing === undefined ? [] : missingText(missing)),
  ];
  return {
    data: { ...taken.data(), completed: taken.completed, ...(missing && missingData(missing)) },
    text: lines.join('\n'),
  };
}
