import { confirmed, defineCommand, toggle } from '../command.ts';
import { describeMachines } from '../describe-sync.ts';
import { count } from '../render.ts';

export const syncForgetCommand = defineCommand({
  name: 'sync forget',
  summary: 'remove the snapshots of a machine that is gone from the remote',
  details: 'Refused while that machine published anything that is not included here: run "sync pull" first.',
  arguments: [{ name: '<machine>', doc: '16 hex digits; "sync machines" shows them' }],
  options: {
    yes: toggle('-y, --yes', 'do not ask'),
    unmerged: toggle('--unmerged', 'also when its changes are not included here: they are lost'),
  },
  examples: [['faiss-memory sync forget 3f9a0c1d2e4b5a69', 'remove its folder, after a question']],
  run: async (context, { args: [machine = ''], options: { yes, unmerged } }) => {
    const { sync, memory } = await context.app();
    const known = (await sync.machines()).filter((status) => status.machine === machine);
    if (known.length > 0 && !yes) context.output.note(describeMachines(known, memory.timeZone));
    const loss = unmerged ? ' What of them is not included here is lost.' : '';
    const question = `Remove all snapshots of the machine ${machine} from the remote? This cannot be undone.${loss}`;
    if (!(await confirmed(context, question, yes))) {
      return { data: { machine, deletedObjects: 0 }, text: 'Nothing was removed.' };
    }
    const deletedObjects = await sync.forgetMachine(machine, { unmerged });
    const text = `${machine} is forgotten: ${count(deletedObjects, 'object')} deleted.`;
    return { data: { machine, deletedObjects }, text };
  },
});
