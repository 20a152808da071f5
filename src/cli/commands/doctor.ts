import { defineCommand } from '../command.ts';
import type { Finding } from '../doctor/check.ts';
import { examine } from '../doctor/examine.ts';
import { EXIT_CODES } from '../exit-code.ts';

const MARKS: Readonly<Record<Finding['status'], string>> = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' };

export const doctorCommand = defineCommand({
  name: 'doctor',
  summary: 'check that everything works, and say what to do where it does not',
  details:
    'Looks at Node.js, the configuration, the data folder, the database with its indexes, the backups, ' +
    'the model and the clients. Changes no memory, and ends within a minute. The exit code is 1 when a check failed; warnings do not count.',
  arguments: [],
  options: {},
  examples: [
    ['faiss-memory doctor', 'check this machine'],
    [`faiss-memory doctor --json | jq '.findings[] | select(.status != "ok")'`, 'only what needs attention'],
  ],
  run: async (context) => {
    const { findings, ended } = await examine(context);
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

function describe({ check, status, message, fix }: Finding): string {
  const line = `${MARKS[status]}  ${check}: ${message}`;
  return fix === undefined ? line : `${line}\n      Fix: ${fix}`;
}
