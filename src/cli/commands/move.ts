import type { MoveReport } from '../../app/move.ts';
import type { TeamMoveReport } from '../../app/move-team.ts';
import { UsageError } from '../../errors/input-errors.ts';
import { defineCommand, longWork, toggle, value } from '../command.ts';
import { count } from '../render.ts';

export const moveCommand = defineCommand({
  name: 'move',
  isOfServer: true,
  summary: 'copy all memories into a shared database, or out of it',
  details:
    'Copies memories with their versions, trash and vectors into an empty place, and compares counts and digests at the end. ' +
    'The place they come from stays as it is; earlier texts of changed memories stay there only. ' +
    'A place is a folder, an address (postgres://…), or "postgres" for MEMORY_DATABASE_URL, which keeps the password out of the command line. ' +
    'In a database it is the space MEMORY_DATABASE_SPACE. The place that is not named is the one of the settings. ' +
    'Stop the servers of a team before it moves.',
  arguments: [],
  options: {
    to: value('--to <place>', 'where the memories go'),
    from: value('--from <place>', 'where they come from'),
    team: toggle('--team', 'all spaces and people of a team too; usual with MEMORY_TEAM=true'),
    dryRun: toggle('--dry-run', 'look at both places; copy and make nothing'),
  },
  examples: [
    ['faiss-memory move --to postgres', 'from the data folder into the database of MEMORY_DATABASE_URL'],
    ['faiss-memory move --from postgres --to ~/memories', 'out of the database into a folder'],
    ['faiss-memory move --team --to postgres', 'a team: spaces, people, roles, tokens and the audit log'],
  ],
  run: async (context, { options: { to, from, team, dryRun } }) => {
    if (to === undefined && from === undefined)
      throw new UsageError('move needs --to or --from', 'For example: faiss-memory move --to postgres.');
    const { settings } = context.config();
    if (team || settings.team.enabled) {
      const { moveTeam } = await import('../../app/move-team.ts');
      const moved = await longWork(context, (work) => moveTeam(settings, { to, from, dryRun }, work));
      return { data: teamData(moved), text: describeTeam(moved) };
    }
    const { moveMemories } = await import('../../app/move.ts');
    const report = await longWork(context, (work) => moveMemories(settings, { to, from, dryRun }, work));
    const { outcome, source, target, ...places } = report;
    return {
      data: { outcome, ...places, source: dataOf(source), target: dataOf(target) },
      text: describe(report),
    };
  },
});

function dataOf({ contentDigest, stateDigest, ...counts }: MoveReport['source']): Record<string, unknown> {
  return { ...counts, content_digest: contentDigest, state_digest: stateDigest };
}

function teamData({ spaces, auditLines, ...report }: TeamMoveReport): Record<string, unknown> {
  return {
    ...report,
    audit_lines: auditLines,
    spaces: spaces.map(({ id, ...store }) => ({ id, ...dataOf(store) })),
  };
}

function describeTeam({ outcome, from, to, people, spaces }: TeamMoveReport): string {
  const memories = spaces.reduce((sum, { live }) => sum + live, 0);
  const what = `${count(people, 'person', 'people')} and ${count(spaces.length, 'space')} with ${count(memories, 'memory', 'memories')}`;
  switch (outcome) {
    case 'moved':
      return `Copied ${what} from ${from} to ${to}. Counts and digests of all spaces are equal.\nNothing was removed from ${from}. Passwords of MEMORY_AUTH=embedded stay there: "faiss-memory user invite <id>" gives a person a link to choose one anew.`;
    case 'equal':
      return `Nothing to do: ${to} has the same team as ${from}.`;
    case 'planned':
      return `Would copy ${what} from ${from} to ${to}. Nothing was copied.`;
  }
}

function describe({ outcome, from, to, source }: MoveReport): string {
  const what = `${count(source.live, 'memory', 'memories')} and ${source.trash} in the trash`;
  switch (outcome) {
    case 'moved':
      return `Copied ${what} from ${from} to ${to}. Counts and digests are equal.\nNothing was removed from ${from}.`;
    case 'equal':
      return `Nothing to do: ${to} has the same memories as ${from}.`;
    case 'planned':
      return `Would copy ${what} from ${from} to ${to}, which is empty. Nothing was copied.`;
  }
}
