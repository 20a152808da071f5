import { existsSync } from 'node:fs';
import type { App } from '../../app/app.ts';
import type { Settings } from '../../config/schema.ts';
import type { EmbeddingModelId } from '../../embedding/embedder.ts';
import { settleWithin } from '../../util/concurrency.ts';
import { findProxy } from '../../util/proxy.ts';
import { relativeTime } from '../../util/text.ts';
import { describeBacklog, statsWithProgress } from '../command.ts';
import type { Host } from '../host.ts';
import { count } from '../render.ts';

/** The result of a check for one thing. */
export interface Finding {
  /** The thing, for example `database`. */
  readonly check: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** The remedy. */
  readonly fix?: string;
}

/** The subject of all checks. */
export interface DoctorSubject {
  readonly host: Host;
  readonly settings: Settings;
  /** Opens the services. */
  readonly app: () => Promise<App>;
  /** Also makes the checks that take long and rarely find a fault. */
  readonly full: boolean;
}

/** Examines one area and changes nothing in it; an error of it becomes a failed finding. */
export interface Check {
  readonly name: string;
  /** Not run when the data folder cannot be used. */
  readonly needsFolder?: boolean;
  /** The thing that it waits for, and the remedy when that does not end. */
  readonly waitsFor: { readonly what: string; readonly fix: string };
  readonly run: (subject: DoctorSubject) => Promise<readonly Finding[]>;
}

/** The program itself refuses older versions; this names the one in use. */
export function checkNode(): Finding {
  return { check: 'node', status: 'ok', message: `Node.js ${process.version} (${process.execPath})` };
}

/** Side by side, because Node looks for an optional package only above the folder of the program. */
const NATIVE_HINT =
  'Embedding gets 3 to 5 times faster with the native runtime (about 290 MB): ' +
  'npm install -g faiss-memory onnxruntime-node --ignore-scripts';

/** Can the configured model be loaded and used, and which runtime runs it? */
export const modelCheck: Check = {
  name: 'model',
  waitsFor: {
    what: 'the model or its endpoint',
    fix: 'Check that the endpoint at MEMORY_EMBEDDING_BASE_URL answers; the bundled model needs a less busy machine.',
  },
  run: async ({ app, settings }) => {
    const { provider, runtime } = settings.embedding;
    if (provider === 'none') {
      return [{ check: 'model', status: 'ok', message: 'switched off; searches are by words only' }];
    }
    const { embedder, store } = await app();
    // No later check needs the threads of the store, and the model takes as much memory as they do.
    await store.close();
    await embedder.warmUp();
    await embedder.embedQuery('doctor');
    const { modelId } = await embedder.modelId();
    const facts = embedder.describe();
    const details = Object.entries(facts).map(([name, fact]) => `${name} ${fact}`);
    const couldBeFaster = runtime === 'auto' && String(facts['runtime']).includes('WASM');
    const message = [[modelId, ...details].join(', '), ...(couldBeFaster ? [NATIVE_HINT] : [])].join('. ');
    return [{ check: 'model', status: 'ok', message }];
  },
};

/** An endpoint that does not answer is the business of the check of the model. */
const STAMP_WAIT_MS = 5_000;

/** Does everything in the database agree with the versions that are stored, the vector index included? */
export const databaseCheck: Check = {
  name: 'database',
  needsFolder: true,
  waitsFor: {
    what: 'the database, which another process may keep locked, or which is large for a busy machine',
    fix: 'Close the programs that use it, clients and database browsers, and run "faiss-memory doctor" again; with --full it has ten minutes.',
  },
  run: async (subject) => {
    if (!existsSync(subject.settings.dataDir)) return [];
    const { store, embedder } = await subject.app();
    const modelId = await settleWithin(
      embedder.modelId().catch(() => undefined),
      STAMP_WAIT_MS,
    );
    // Every process makes its vector index anew from the rows, so only a thorough check makes one to compare it.
    const { full } = subject;
    const { ok, problems, checked } = await store.checkIntegrity(full ? modelId : undefined, {
      quick: !full,
    });
    const finding: Finding = ok
      ? { check: 'database', status: 'ok', message: `intact: ${checked.join(', ')}` }
      : {
          check: 'database',
          status: 'fail',
          message: problems.join('; '),
          fix: isAboutCounts(problems)
            ? 'Run "faiss-memory doctor --fix": it counts anew, and changes no memory.'
            : 'Export what can be read with "faiss-memory export", then restore a backup or import the export into a new folder.',
        };
    const findings = [finding, ...(await checkHidden(subject))];
    return modelId === undefined ? findings : [...findings, ...(await checkVectors(subject, modelId))];
  },
};

/** True when nothing but counts is wrong, which are made from the memories. */
function isAboutCounts(problems: readonly string[]): boolean {
  return problems.every((problem) => problem.includes('differs from what it counts'));
}

/** Counts wrong totals anew, and reports them. */
export async function repairCounts({ app, settings }: DoctorSubject): Promise<Finding[]> {
  if (!existsSync(settings.dataDir)) return [];
  const wrong = await (await app()).store.checkCounts(true);
  if (wrong.length === 0) return [];
  return [{ check: 'database', status: 'ok', message: `counted anew: ${wrong.join('; ')}` }];
}

/** Reports memories that other machines erased, because no person on this machine was asked. */
async function checkHidden({ app, settings }: DoctorSubject): Promise<Finding[]> {
  const { hidden } = await (await app()).store.stats();
  if (hidden === 0) return [];
  const message =
    `${count(hidden, 'memory', 'memories')} erased by other machines, kept here for ` +
    `${count(settings.hiddenDays, 'day')} after that; "faiss-memory list --trash" shows them`;
  return [{ check: 'erased elsewhere', status: 'ok', message }];
}

async function checkVectors({ app, settings }: DoctorSubject, modelId: EmbeddingModelId): Promise<Finding[]> {
  if (settings.embedding.provider === 'none') return [];
  const { store, memory } = await app();
  const { otherModels } = await store.stats(modelId);
  const stats = await statsWithProgress(memory);
  const { pending } = stats.embedding;
  const message = describeBacklog(stats);
  const others = otherModels.map(({ modelId, memories }) => `${modelId} (${memories})`);
  return [
    pending === 0
      ? { check: 'embeddings', status: 'ok', message }
      : {
          check: 'embeddings',
          status: 'warn',
          message,
          fix: 'Wait for the running server, or run "faiss-memory reembed".',
        },
    ...(others.length === 0
      ? []
      : [
          {
            check: 'other models',
            status: 'ok' as const,
            message: `embeddings of ${others.join(', ')} are kept and not used; "faiss-memory reembed --drop-others" removes them`,
          },
        ]),
  ];
}

const BACKUP_CHECK = 'backups';

/** Are there backups, and do they reach the remote? Asks the remote only when sync is on. */
export const backupCheck: Check = {
  name: BACKUP_CHECK,
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
    return { check: BACKUP_CHECK, status: 'ok', message };
  }
  if ((await store.stats()).live === 0)
    return { check: BACKUP_CHECK, status: 'ok', message: 'nothing to back up yet' };
  const fix = settings.backup.enabled
    ? 'Run "faiss-memory backup"; a running server does it by itself after the next change.'
    : 'Run "faiss-memory backup", and set MEMORY_BACKUP_ENABLED=true to have it done by itself.';
  return { check: BACKUP_CHECK, status: 'warn', message: 'there is no backup yet', fix };
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
