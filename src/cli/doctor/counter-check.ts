import { existsSync } from 'node:fs';
import type { CounterReport } from '../../sync/sync-api.ts';
import { count } from '../render.ts';
import type { Check, DoctorSubject, Finding } from './checks.ts';

const NAME = 'write counters';
const FIX = 'Run "faiss-memory doctor --fix": it copies the database first, and changes no memory.';

/** Does the version vector count only writes that exist, and do other machines claim no writes of this one? */
export const counterCheck: Check = {
  name: NAME,
  needsFolder: true,
  waitsFor: {
    what: 'the database and the remote, which hold the counters of all machines',
    fix: 'Run "faiss-memory sync doctor", which tries the remote, then "faiss-memory doctor" again.',
  },
  run: async (subject) => {
    if (!existsSync(subject.settings.dataDir)) return [];
    const { sync } = await subject.app();
    return describeCounters(await sync.repairCounters());
  },
};

export function describeCounters({ counters, claimedByOthers }: CounterReport): Finding[] {
  const wrong = counters.map(({ own, machine, claimed, believed }): Finding => {
    const whose = own ? 'this machine' : `machine ${machine}`;
    const message = `this store believes that ${whose} made ${claimed} writes, and only ${believed} are known`;
    return { check: NAME, status: 'fail', message, fix: FIX };
  });
  const claims = claimedByOthers.map(({ machine, claimed }): Finding => {
    const message = `machine ${machine} claims ${claimed} writes of this machine, which never made so many`;
    const fix =
      'If this data folder was copied or set back to an older state, run "faiss-memory doctor --fix"; ' +
      `else run "faiss-memory sync forget ${machine} --unmerged" when you do not know that machine.`;
    return { check: NAME, status: 'warn', message, fix };
  });
  if (wrong.length + claims.length > 0) return [...wrong, ...claims];
  return [{ check: NAME, status: 'ok', message: 'each is one that its machine can have reached' }];
}

/** The repairs of `doctor --fix`, as a question; null = there is nothing to repair. */
export async function repairQuestion({ app, settings }: DoctorSubject): Promise<string | null> {
  if (!existsSync(settings.dataDir)) return null;
  const { counters, claimedByOthers } = await (await app()).sync.repairCounters();
  if (counters.length + claimedByOthers.length === 0) return null;
  const takesName = claimedByOthers.length > 0 || counters.some(({ own }) => own);
  const identity = takesName ? ' This machine takes a new id.' : '';
  const what = counters.length > 0 ? `Set back ${count(counters.length, 'write counter')}?` : 'Repair?';
  return `${what}${identity} The database is copied first; no memory changes.`;
}

/** Repairs, and reports it. */
export async function repairCounters({ app }: DoctorSubject): Promise<Finding> {
  const { counters, machine, copy } = await (await app()).sync.repairCounters({ fix: true });
  const set = counters.map(
    ({ machine: name, claimed, believed }) => `${name} from ${claimed} to ${believed}`,
  );
  const counted = set.length === 0 ? '' : `, write counters set back: ${set.join(', ')}`;
  const message = `repaired${counted}; this machine is ${machine}; copy of the database before: ${copy ?? 'none'}`;
  return { check: NAME, status: 'ok', message };
}
