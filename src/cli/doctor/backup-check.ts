import { existsSync } from 'node:fs';
import { relativeTime } from '../../util/text.ts';
import { findProxy } from '../../util/proxy.ts';
import { count } from '../render.ts';
import type { Check, DoctorSubject, Finding } from './check.ts';

const NAME = 'backups';

/** Are there backups, and do they reach the remote? Asks the remote only when sync is on. */
export const backupCheck: Check = {
  name: NAME,
  needsFolder: true,
  waitsFor: { what: 'the backups, here or at the remote', fix: 'Run "faiss-memory sync doctor".' },
  run: async (subject) => {
    if (!existsSync(subject.settings.dataDir)) return [];
    return [await checkLocal(subject), await checkRemote(subject)];
  },
};

async function checkLocal({ app, settings }: DoctorSubject): Promise<Finding> {
  const { backup, store } = await app();
  const snapshots = await backup.list();
  const newest = snapshots.at(-1);
  if (newest !== undefined) {
    const age = relativeTime(newest.createdAt, Date.now());
    const message = `${count(snapshots.length, 'snapshot')} here, the newest ${newest.name}, ${age}`;
    return { check: NAME, status: 'ok', message };
  }
  if ((await store.stats()).live === 0)
    return { check: NAME, status: 'ok', message: 'nothing to back up yet' };
  const fix = settings.backup.enabled
    ? 'Run "faiss-memory backup"; a running server does it by itself after the next change.'
    : 'Run "faiss-memory backup", and set MEMORY_BACKUP_ENABLED=true to have it done by itself.';
  return { check: NAME, status: 'warn', message: 'there is no backup yet', fix };
}

async function checkRemote({ app, settings }: DoctorSubject): Promise<Finding> {
  const check = 'sync';
  if (!settings.sync.enabled) {
    return { check, status: 'ok', message: 'off; backups stay on this disk (docs/sync.md)' };
  }
  const { sync } = await app();
  const { location, relation, problem, unsentWrites } = await sync.status();
  const unsent =
    unsentWrites === null || unsentWrites === 0 ? '' : `, ${unsentWrites} changes not uploaded yet`;
  if (problem === null) {
    return {
      check,
      status: 'ok',
      message: `${location ?? 'on'}${proxyWords(settings.sync)}: ${relation}${unsent}`,
    };
  }
  const fix = problem.fix ?? 'Run "faiss-memory sync doctor".';
  return { check, status: 'fail', message: `${problem.code}: ${problem.message}${unsent}`, fix };
}

/** Empty when the remote is reached directly. */
function proxyWords({ provider, endpoint }: DoctorSubject['settings']['sync']): string {
  if (provider === 'folder') return '';
  const proxy = findProxy(endpoint ?? 'https://s3.amazonaws.com');
  return proxy === undefined ? '' : ` through the proxy ${proxy.shown} (${proxy.variable})`;
}
