import type { Finding, ProbeReport } from '../../blob/probe/probe-finding.ts';
import type { SyncApi } from '../../sync/sync-api.ts';
import { type CommandContext, defineCommand, longWork, toggle } from '../command.ts';
import { EXIT_CODES } from '../exit-code.ts';

const MARKS: Readonly<Record<Finding['level'], string>> = {
  ok: 'ok  ',
  note: 'note',
  warning: 'WARN',
  problem: 'FAIL',
};

export const syncDoctorCommand = defineCommand({
  name: 'sync doctor',
  summary: 'try the settings of the remote, and say which one to change',
  details:
    'Tries address, keys, rights, clock, checksums and long lists, with a few small objects that it deletes again. ' +
    'Works before sync is turned on, as soon as a bucket is set. The exit code is 1 when backups would not work.',
  arguments: [],
  options: {
    createBucket: toggle('--create-bucket', 'create the bucket when there is none, without a question'),
  },
  examples: [
    ['faiss-memory sync doctor', 'try the settings'],
    ['faiss-memory sync doctor --create-bucket', 'and make the bucket'],
  ],
  run: async (context, { options }) => {
    const { sync } = await context.app();
    const examine = (): Promise<ProbeReport> => longWork(context, (work) => sync.doctor(work));
    let report = await examine();
    if (lacksBucket(report) && (await mayCreate(context, report, options.createBucket))) {
      await createBucket(context, sync);
      report = await examine();
    }
    const advice = lacksBucket(report) ? ['Add --create-bucket to create the bucket.'] : [];
    const verdict = report.usable ? 'Backups work there.' : 'Backups do not work there yet.';
    return {
      data: report,
      text: [report.location, ...report.findings.map(describe), ...advice, verdict].join('\n'),
      exitCode: report.usable ? EXIT_CODES.ok : EXIT_CODES.failure,
    };
  },
});

/** The bucket is the one thing that is wrong. */
function lacksBucket({ findings }: ProbeReport): boolean {
  const problems = findings.filter(({ level }) => level === 'problem');
  return problems.length === 1 && problems[0]?.check === 'bucket';
}

async function mayCreate(context: CommandContext, report: ProbeReport, yes: boolean): Promise<boolean> {
  const { output, signal } = context;
  if (yes) return true;
  if (!output.interactive || output.json) return false;
  return output.confirm(`${report.location} does not exist. Create it?`, signal);
}

async function createBucket({ output }: CommandContext, sync: SyncApi): Promise<void> {
  const outcome = await sync.createBucket();
  output.note(outcome === 'created' ? 'The bucket was created.' : 'The bucket was there already.');
}

function describe({ check, level, message, fix }: Finding): string {
  const line = `${MARKS[level]}  ${check}: ${message}`;
  return fix === undefined ? line : `${line}\n      Fix: ${fix}`;
}
