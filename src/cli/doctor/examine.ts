import type { Settings } from '../../config/schema.ts';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
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

/** Runs all checks, one after the other. Never throws: what is broken is a finding. */
export async function examine(context: CommandContext): Promise<Finding[]> {
  const findings = [checkNode()];
  let subject: DoctorSubject;
  try {
    const { settings, configFile } = context.config();
    findings.push({ check: 'configuration', status: 'ok', message: `valid (${configFile})` });
    subject = subjectOf(context, settings);
  } catch (error) {
    return [...findings, failure('configuration', error)];
  }
  for (const check of CHECKS) {
    if (context.signal.aborted) break;
    findings.push(...(await check.run(subject).catch((error: unknown) => [failure(check.name, error)])));
  }
  return findings;
}

export function subjectOf(context: CommandContext, settings: Settings): DoctorSubject {
  return { host: context.host, settings, app: () => context.app() };
}

function failure(check: string, error: unknown): Finding {
  const message = error instanceof Error ? error.message : String(error);
  const fix = error instanceof FaissMemoryError ? error.fix : undefined;
  return { check, status: 'fail', message, ...(fix === undefined ? {} : { fix }) };
}
