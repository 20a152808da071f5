import { defineCommand, longWork, toggle } from '../command.ts';
import { describeStatus, statusData } from '../describe-sync.ts';
import { EXIT_CODES } from '../exit-code.ts';

export const syncStatusCommand = defineCommand({
  name: 'sync status',
  summary: 'show what is uploaded, what is not, other machines, and problems with their fix',
  details:
    'Every line about the remote says when it was observed. The exit code is 1 while there is a problem.',
  arguments: [],
  options: { offline: toggle('--offline', 'do not ask the remote; show what was observed last') },
  examples: [
    ['faiss-memory sync status', 'ask the remote'],
    ['faiss-memory sync status --json | jq -r .stateDigest', 'equal on two machines = they have the same'],
  ],
  run: async (context, { options: { offline } }) => {
    const { sync, memory } = await context.app();
    const status = await longWork(context, (work) => sync.status({ ...work, offline }));
    return {
      data: statusData(status),
      text: describeStatus(status, { now: Date.now(), zone: memory.timeZone }),
      exitCode: status.problem === null ? EXIT_CODES.ok : EXIT_CODES.failure,
    };
  },
});
