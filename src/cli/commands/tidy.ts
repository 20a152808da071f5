import { removedBy, tidiedData, type Tidied, tidyUp } from '../../api/tidy.ts';
import { shownSimilarity } from '../../api/memory-answers.ts';
import { UsageError } from '../../errors/input-errors.ts';
import type { DuplicateGroup, TidyKind, TidyResult } from '../../memory/memory-api.ts';
import type { Memory } from '../../memory/memory.ts';
import type { TimeZone } from '../../util/time-zone.ts';
import { confirmed, defineCommand, list, toggle, warmUpQuietly } from '../command.ts';
import { count, oneLine } from '../render.ts';

const KINDS = ['duplicates', 'expired', 'junk', 'unused'] as const;

export const tidyCommand = defineCommand({
  name: 'tidy',
  summary: 'propose what to tidy up, and do it with --apply',
  details:
    'To the trash go facts that say the same as an older one word for word, that have expired, and that say nothing. ' +
    'Facts that no search has found in at least 14 days and 50 searches are shown, and go only with --kind unused. Facts ' +
    'that only resemble each other are shown and never touched. --apply makes a backup first, whose name undoes it.',
  arguments: [],
  options: {
    apply: toggle('--apply', 'do what is proposed, after a backup'),
    yes: toggle('-y, --yes', 'do not ask'),
    kinds: list('--kind <kind>', 'only this kind; repeatable', KINDS),
  },
  examples: [
    ['faiss-memory tidy', 'only show what could go'],
    ['faiss-memory tidy --apply --kind expired', 'move expired facts to the trash'],
    ['faiss-memory tidy --apply --kind unused', 'move facts that no search found to the trash'],
  ],
  writes: ({ options }) => options.apply,
  run: async (context, { options }) => {
    const { apply, yes } = options;
    if (yes && !apply) throw new UsageError('--yes is given without --apply', 'Give both, or none.');
    const kinds = options.kinds.length === 0 ? undefined : options.kinds.map(checkKind);
    const app = await context.app();
    await warmUpQuietly(app, context.signal);
    const work = { signal: context.signal };
    const proposal = await tidyUp(app, { kinds }, work);
    const columns = context.output.columns;
    const would = removedBy(proposal.result);
    const shown = describe(proposal, columns, app.memory.timeZone);
    if (!apply || would === 0) return { data: tidiedData(proposal), text: shown };
    if (!yes) context.output.note(shown);
    if (!(await confirmed(context, `Move ${count(would, 'memory', 'memories')} to the trash?`, yes)))
      return { data: tidiedData(proposal), text: 'Nothing was changed.' };
    const done = await tidyUp(app, { kinds, confirm: proposal.result.confirm }, work);
    return { data: tidiedData(done), text: describeDone(done) };
  },
});

function checkKind(given: string): TidyKind {
  const kind = KINDS.find((one) => one === given);
  if (kind === undefined) throw new UsageError(`--kind got ${given}`, `Give one of ${KINDS.join(', ')}.`);
  return kind;
}

function describeDone({ result, backup }: Tidied): string {
  const moved = `${count(result.removed, 'memory', 'memories')} moved to the trash.`;
  return backup === null ? moved : `${moved}\nUndo: faiss-memory restore ${backup.snapshot.name}`;
}

function describe({ result }: Tidied, columns: number, zone: TimeZone): string {
  const { duplicates, contradictions, alike, expired, junk, unused, counts, compared } = result;
  const would = removedBy(result);
  const blocks = [
    ...groupBlock(`Say the same as an older fact: ${counts.duplicates}`, duplicates, columns),
    ...memoryBlock(`Expired: ${counts.expired}`, expired, columns),
    ...memoryBlock(`Say nothing: ${counts.junk}`, junk, columns),
    ...memoryBlock(unusedTitle(result, zone), unused, columns),
    ...groupBlock(
      'May contradict each other; "update <new> --supersedes <old>" settles it',
      contradictions,
      columns,
    ),
    ...groupBlock('Resemble each other', alike, columns),
  ];
  if (!compared) blocks.push('Without a model no facts were compared with each other.');
  if (result.searched.unused === null) blocks.push(TOO_FEW);
  blocks.push(
    would === 0
      ? 'There is nothing to tidy up.'
      : `${count(would, 'memory', 'memories')} would move to the trash; --apply does it.`,
  );
  return blocks.join('\n\n');
}

const TOO_FEW = 'No fact is called unused yet: that takes 50 searches on 14 days or more.';

function unusedTitle({ searched, counts }: TidyResult, zone: TimeZone): string {
  const { since, searches, unused } = searched;
  const stay = counts.unused === 0 ? '; they go only with --kind unused' : '';
  return `Never found in ${count(searches, 'search', 'searches')} since ${zone.day(since ?? 0)}: ${unused ?? 0}${stay}`;
}

function groupBlock(title: string, groups: readonly DuplicateGroup[], columns: number): string[] {
  if (groups.length === 0) return [];
  const lines = groups.flatMap(({ keep, duplicates }) => [
    line(keep.id, keep.text, columns),
    ...duplicates.map((other) => {
      const similarity = shownSimilarity(other);
      const how = similarity === null ? '' : `${Math.round(similarity * 100)}% `;
      const why = other.differs === undefined ? '' : `other ${other.differs} `;
      return `  ${line(other.id, `${how}${why}${other.text}`, columns)}`;
    }),
  ]);
  return [[`${title}:`, ...lines].join('\n')];
}

function memoryBlock(title: string, memories: readonly Memory[], columns: number): string[] {
  if (memories.length === 0) return [];
  return [[`${title}:`, ...memories.map(({ id, text }) => line(id, text, columns))].join('\n')];
}

function line(id: string, text: string, columns: number): string {
  return `  ${id}  ${oneLine(text, Math.max(20, columns - 44))}`;
}
