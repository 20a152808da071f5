import type { Settings } from '../../config/schema.ts';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { settleWithin } from '../../util/concurrency.ts';
import type { CommandContext } from '../command.ts';
import { backupCheck } from './backup-check.ts';
import type { Check, DoctorSubject, Finding } from './check.ts';
import { clientsCheck } from './clients-check.ts';
import { counterCheck } from './counter-check.ts';
import { databaseCheck } from './database-check.ts';
import { folderCheck } from './folder-check.ts';
import { modelCheck } from './model-check.ts';
import { checkNode } from './node-check.ts';

const CHECKS: readonly Check[] = [
  folderCheck,
  databaseCheck,
  counterCheck,
  backupCheck,
  modelCheck,
  clientsCheck,
];

/** All checks end within a minute, the start and the end of the program included. */
const TOTAL_LIMIT_MS = 52_000;
const CHECK_LIMIT_MS = 25_000;
/** What a check leaves for each one after it. */
const RESERVE_MS = 5_000;

/** What the checks found, and whether all of them ended. */
export interface Examination {
  readonly findings: readonly Finding[];
  readonly ended: boolean;
}

/** Runs all checks, one after the other. Never throws: what is broken, or does not end, is a finding. */
export async function examine(context: CommandContext): Promise<Examination> {
  const findings = [checkNode()];
  let subject: DoctorSubject;
  try {
    const { settings, configFile } = context.config();
    findings.push({
      check: 'configuration',
      status: 'ok',
      message: `valid (${configFile ?? 'no config file: the home folder is not known'})`,
    });
    subject = subjectOf(context, settings);
  } catch (error) {
    return { findings: [...findings, failure('configuration', error)], ended: true };
  }
  const end = performance.now() + TOTAL_LIMIT_MS;
  let ended = true;
  for (const [index, check] of CHECKS.entries()) {
    if (context.signal.aborted) break;
    if (check.needsFolder === true && findings.some(isBrokenFolder)) continue;
    const reserved = (CHECKS.length - 1 - index) * RESERVE_MS;
    const limitMs = Math.min(CHECK_LIMIT_MS, end - performance.now() - reserved);
    const found = await settleWithin(runCheck(check, subject), limitMs);
    ended &&= found !== undefined;
    findings.push(...(found ?? [unfinished(check, limitMs)]));
  }
  return { findings, ended };
}

function runCheck(check: Check, subject: DoctorSubject): Promise<readonly Finding[]> {
  return check.run(subject).catch((error: unknown) => [failure(check.name, error)]);
}

/** Whatever else uses the folder would fail, or wait, for the same reason. */
function isBrokenFolder({ check, status }: Finding): boolean {
  return check === folderCheck.name && status === 'fail';
}

function unfinished({ name, waitsFor }: Check, limitMs: number): Finding {
  const message = `did not end within ${Math.round(limitMs / 1_000)} s; it waited for ${waitsFor.what}`;
  return { check: name, status: 'fail', message, fix: waitsFor.fix };
}

export function subjectOf(context: CommandContext, settings: Settings): DoctorSubject {
  return { host: context.host, settings, app: () => context.app() };
}

function failure(check: string, error: unknown): Finding {
  const message = error instanceof Error ? error.message : String(error);
  const fix = error instanceof FaissMemoryError ? error.fix : undefined;
  return { check, status: 'fail', message, ...(fix === undefined ? {} : { fix }) };
}
