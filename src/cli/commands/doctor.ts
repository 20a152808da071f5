import { pathsOf } from '../../config/environment.ts';
import type { Settings } from '../../config/schema.ts';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { UsageError } from '../../errors/input-errors.ts';
import { settleWithin } from '../../util/concurrency.ts';
import { writeDurably } from '../../util/durable-file.ts';
import { visibleLine } from '../../util/visible-text.ts';
import { type CommandContext, confirmed, defineCommand, toggle, value } from '../command.ts';
import {
  backupCheck,
  type Check,
  checkNode,
  databaseCheck,
  type DoctorSubject,
  type Finding,
  modelCheck,
  repairCounts,
} from '../doctor/checks.ts';
import { clientsCheck } from '../doctor/clients-check.ts';
import { counterCheck, repairCounters, repairQuestion } from '../doctor/counter-check.ts';
import { folderCheck } from '../doctor/folder-check.ts';
import { hooksCheck } from '../doctor/hooks-check.ts';
import { reportText } from '../doctor/report.ts';
import { EXIT_CODES } from '../exit-code.ts';
import type { Progress } from '../output.ts';
import { reasonOf } from '../../util/caught.ts';

const CHECKS: readonly Check[] = [
  folderCheck,
  databaseCheck,
  counterCheck,
  backupCheck,
  // Before this process has a model that hooks could reach.
  hooksCheck,
  modelCheck,
  clientsCheck,
];

/** All checks end within a minute, the start and the end of the program included. */
const TOTAL_LIMIT_MS = 52_000;
const CHECK_LIMIT_MS = 25_000;
/** With --full. */
const FULL_LIMIT_MS = 600_000;
/** The time that a check leaves for each one after it. */
const RESERVE_MS = 5_000;

/** The findings of all checks, and whether all of them ended. */
export interface Examination {
  readonly findings: readonly Finding[];
  readonly ended: boolean;
}

/** Runs all checks, one after the other. Never throws: a check that fails, or does not end, is a finding. */
async function examine(context: CommandContext, full: boolean): Promise<Examination> {
  const findings = [checkNode()];
  let subject: DoctorSubject;
  try {
    const { settings, configFile } = context.config();
    findings.push({
      check: 'configuration',
      status: 'ok',
      message: `valid (${configFile ?? 'no config file: the home folder is not known'})`,
    });
    subject = await subjectOf(context, settings, full);
  } catch (error) {
    return { findings: [...findings, failure('configuration', error)], ended: true };
  }
  const end = performance.now() + (full ? FULL_LIMIT_MS : TOTAL_LIMIT_MS);
  let ended = true;
  for (const [index, check] of CHECKS.entries()) {
    if (context.signal.aborted) break;
    if (check.needsFolder === true && findings.some(isBrokenFolder)) continue;
    const reserved = (CHECKS.length - 1 - index) * RESERVE_MS;
    const limitMs = Math.min(full ? FULL_LIMIT_MS : CHECK_LIMIT_MS, end - performance.now() - reserved);
    const shown = showProgress(context.output, check, index);
    const found = await settleWithin(runCheck(check, subject), limitMs);
    shown?.finish();
    ended &&= found !== undefined;
    findings.push(...(found ?? [unfinished(check, limitMs)]));
  }
  return { findings, ended };
}

/** For a person who waits at a terminal. */
function showProgress(output: CommandContext['output'], { name }: Check, done: number): Progress | undefined {
  if (!output.interactive || output.json) return undefined;
  const progress = output.progress(`Checking: ${name}`);
  progress.update({ done, total: CHECKS.length });
  return progress;
}

function runCheck(check: Check, subject: DoctorSubject): Promise<readonly Finding[]> {
  return check.run(subject).catch((error: unknown) => [failure(check.name, error)]);
}

/** Every other use of the folder would fail, or wait, for the same reason. */
function isBrokenFolder({ check, status }: Finding): boolean {
  return check === folderCheck.name && status === 'fail';
}

function unfinished({ name, waitsFor }: Check, limitMs: number): Finding {
  const message = `did not end within ${Math.round(limitMs / 1_000)} s; it waited for ${waitsFor.what}`;
  return { check: name, status: 'fail', message, fix: waitsFor.fix };
}

/** @throws NoSuchError for a space that is not there, which no check would miss */
async function subjectOf(context: CommandContext, all: Settings, full: boolean): Promise<DoctorSubject> {
  const app: DoctorSubject['app'] = () => context.app();
  if (all.space === '') return { host: context.host, settings: all, full, app };
  const { settingsOfSpace } = await import('../../app/start-app.ts');
  const settings = settingsOfSpace(all, all.space);
  await (await app()).store.stats();
  return { host: context.host, settings, full, app };
}

function failure(check: string, error: unknown): Finding {
  const message = reasonOf(error);
  const fix = error instanceof FaissMemoryError ? error.fix : undefined;
  return { check, status: 'fail', message, ...(fix === undefined ? {} : { fix }) };
}

const MARKS: Readonly<Record<Finding['status'], string>> = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' };

export const doctorCommand = defineCommand({
  name: 'doctor',
  summary: 'check that everything works, and say what to do where it does not',
  details:
    'Looks at Node.js, the configuration, the data folder, the database with its indexes, the backups, ' +
    'the hooks and plugins of clients, the model and the clients. Changes no memory, and ends within a minute. The exit code is 1 when a check failed; warnings do not count. ' +
    'Reads every memory and compares it with its checksum and the filters. With --full it also compares the indexes inside ' +
    'of the database with their tables, and the vector index, which every process makes anew; that may take ten minutes. ' +
    'With --fix, write counters that no machine can have reached are set back, after a question and a copy of the database, ' +
    'and wrong counts are made anew.',
  arguments: [],
  options: {
    full: toggle('--full', 'also compare all indexes, which takes long'),
    fix: toggle('--fix', 'repair write counters that cannot be right, after a question, and counts'),
    yes: toggle('-y, --yes', 'do not ask before a repair'),
    report: value('--report <file>', 'also write a file to attach to a question: no memories, no secrets'),
  },
  examples: [
    ['faiss-memory doctor', 'check this machine'],
    ['faiss-memory doctor --space kitchen', 'check a space of a team, on the machine of its server'],
    ['faiss-memory doctor --report report.json', 'make a file to attach to a question'],
    ['faiss-memory doctor --fix', 'repair what a broken or hostile remote made this store believe'],
    [`faiss-memory doctor --json | jq '.findings[] | select(.status != "ok")'`, 'only what needs attention'],
  ],
  run: async (context, { options: { full, fix, yes, report } }) => {
    const repairs = fix ? await repair(context, yes) : [];
    const examination = await examine(context, full);
    const { ended } = examination;
    const findings = [...repairs, ...examination.findings];
    if (report !== undefined) await saveReport(context, report, findings);
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

/** @throws UsageError when the file cannot be written */
async function saveReport(
  context: CommandContext,
  file: string,
  findings: readonly Finding[],
): Promise<void> {
  const { host } = context;
  const path = pathsOf(host).resolve(host.workingDirectory, file);
  // A wrong configuration is among the findings already.
  const config = await Promise.resolve()
    .then(() => context.config())
    .catch(() => undefined);
  try {
    await writeDurably({ path, data: reportText({ findings, config, host }) });
  } catch (error) {
    const problem = reasonOf(error);
    throw new UsageError(
      `the report ${path} cannot be written: ${problem}`,
      'Name a file in a folder that you may write to.',
    );
  }
  context.output.note(`Wrote ${path}. Read it before you pass it on.`);
}

/** @throws UsageError when the question is needed and there is no terminal */
async function repair(context: CommandContext, yes: boolean): Promise<Finding[]> {
  const subject = await subjectOf(context, context.config().settings, false);
  const counted = await repairCounts(subject);
  const question = await repairQuestion(subject);
  if (question === null || !(await confirmed(context, question, yes))) return counted;
  return [...counted, await repairCounters(subject)];
}

function describe({ check, status, message, fix }: Finding): string {
  const line = `${MARKS[status]}  ${check}: ${visibleLine(message)}`;
  return fix === undefined ? line : `${line}\n      Fix: ${visibleLine(fix)}`;
}
