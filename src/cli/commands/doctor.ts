import { type CommandContext, confirmed, defineCommand, toggle } from '../command.ts';
import type { Finding } from '../doctor/check.ts';
import { repairCounters, repairQuestion } from '../doctor/counter-check.ts';
import { examine, subjectOf } from '../doctor/examine.ts';
import { EXIT_CODES } from '../exit-code.ts';

const MARKS: Readonly<Record<Finding['status'], string>> = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' };

export const doctorCommand = defineCommand({
  name: 'doctor',
  summary: 'check that everything works, and say what to do where it does not',
  details:
    'Looks at Node.js, the configuration, the data folder, the database with its indexes, the backups, ' +
    'the model and the clients. Changes no memory, and ends within a minute. The exit code is 1 when a check failed; warnings do not count. ' +
    'With --fix, write counters that nobody can have reached are set back, after a question and a copy of the database.',
  arguments: [],
  options: {
    fix: toggle('--fix', 'repair write counters that cannot be right, after a question'),
    yes: toggle('-y, --yes', 'do not ask before a repair'),
  },
  examples: [
    ['faiss-memory doctor', 'check this machine'],
    ['faiss-memory doctor --fix', 'repair what a broken or hostile remote made this store believe'],
    [`faiss-memory doctor --json | jq '.findings[] | select(.status != "ok")'`, 'only what needs attention'],
  ],
  run: async (context, { options: { fix, yes } }) => {
    const repairs = fix ? await repair(context, yes) : [];
    const examination = await examine(context);
    const { ended } = examination;
    const findings = [...repairs, ...examination.findings];
    const failed = findings.filter(({ status }) => status === 'fail').length;
    const warned = findings.filter(({ status }) => status === 'warn').length;
    const summary =
      failed + warned === 0 ? 'Everything is in order.' : `${failed} failed, ${warned} to look at.`;
    return {
      data: { ok: failed === 0, findings },
      text: [...findings.map(describe), summary].join('\n'),
      abandonsWork: !ended,
      exitCode: failed === 0 ? EXIT_CODES.ok : EXIT_CODES.failure,
    };
  },
});

/** @throws UsageError when it must be asked and nobody can answer */
async function repair(context: CommandContext, yes: boolean): Promise<Finding[]> {
  const subject = subjectOf(context, context.config().settings);
  const question = await repairQuestion(subject);
  if (question === null || !(await confirmed(context, question, yes))) return [];
  return [await repairCounters(subject)];
}

function describe({ check, status, message, fix }: Finding): string {
  const line = `${MARKS[status]}  ${check}: ${message}`;
  return fix === undefined ? line : `${line}\n      Fix: ${fix}`;
}
