import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../app.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import type { MemoryApi, Stats } from '../memory/memory-api.ts';
import { settleWithin } from '../util/concurrency.ts';
import { count, timeLeft } from './render.ts';

/** How long a command embeds before it ends, and how long it waits for a model that is loading. */
const EMBED_LIMIT_MS = 10_000;
const WARM_UP_LIMIT_MS = 20_000;
/** How long `stats` and `doctor` watch whether the number of memories without an embedding falls. */
const WATCH_MS = 2_000;

/** How many memories have no embedding when a command ends, and why. */
export interface MissingEmbeddings {
  readonly pending: number;
  /** Empty = the time was too short. */
  readonly problem: string;
}

const NONE_MISSING: MissingEmbeddings = { pending: 0, problem: '' };

/**
 * A command's process ends at once, so it gives new texts their vectors itself, for a limited time.
 * What is left is done by the next server or `reembed`; search finds it by words until then.
 */
export async function embedBeforeExit(app: App, signal: AbortSignal): Promise<MissingEmbeddings> {
  if (app.settings.embedding.provider === 'none') return NONE_MISSING;
  const limit = new AbortController();
  const stop = (): void => {
    limit.abort();
  };
  signal.addEventListener('abort', stop);
  let problem = '';
  try {
    if (!signal.aborted) await settleWithin(app.memory.reembed(undefined, limit.signal), EMBED_LIMIT_MS);
  } catch (error) {
    if (error instanceof FaissMemoryError) problem = error.message;
  } finally {
    stop();
    signal.removeEventListener('abort', stop);
  }
  const missing = await missingEmbeddings(app);
  return problem === '' ? missing : { pending: missing.pending, problem };
}

/** For a command that has embedded what it could. */
export async function missingEmbeddings({ memory, settings }: App): Promise<MissingEmbeddings> {
  if (settings.embedding.provider === 'none') return NONE_MISSING;
  try {
    return (await memory.stats()).embedding;
  } catch {
    // The command has done its work, so failing to count is not its failure.
    return NONE_MISSING;
  }
}

/** For the result of a command: no line and no member when nothing is missing. */
export function missingText({ pending, problem }: MissingEmbeddings): string[] {
  if (pending === 0) return [];
  const why = problem === '' ? 'because the time was too short' : `because of this: ${problem}`;
  const what = count(pending, 'memory has', 'memories have');
  return [
    `${what} no embedding yet, ${why}. Search finds such memories by words; a running server adds the embeddings, ` +
      'or run "faiss-memory reembed".',
  ];
}

export function missingData({ pending, problem }: MissingEmbeddings): object {
  if (pending === 0) return {};
  return { embedding: { pending, ...(problem === '' ? {} : { problem }) } };
}

/** Waits for the model, so that the command's one answer can be by meaning; failing is the service's to report. */
export async function warmUpQuietly({ embedder }: App, signal: AbortSignal): Promise<void> {
  // An endpoint has nothing to load.
  if (signal.aborted || embedder.ready) return;
  await settleWithin(embedder.warmUp(), WARM_UP_LIMIT_MS).catch(() => undefined);
}

/** Statistics, with the time until every memory has an embedding if another process is at it now. */
export async function statsWithProgress(memory: MemoryApi, signal?: AbortSignal): Promise<Stats> {
  const before = await memory.stats();
  const { pending, problem } = before.embedding;
  if (pending === 0 || problem !== '') return before;
  await sleep(WATCH_MS, undefined, signal === undefined ? {} : { signal });
  const now = await memory.stats();
  const embedded = pending - now.embedding.pending;
  if (embedded <= 0 || now.embedding.pending === 0) return now;
  const secondsLeft = Math.ceil((now.embedding.pending * WATCH_MS) / embedded / 1_000);
  return { ...now, embedding: { ...now.embedding, secondsLeft } };
}

/** For example `2619 of 3000 memories have none yet (381 are done, about 3 min left)`. */
export function describeBacklog({ embedding }: Stats): string {
  const { pending, done, total, secondsLeft, problem } = embedding;
  if (pending === 0) return 'every memory has one';
  const left =
    secondsLeft !== undefined
      ? `, about ${timeLeft(secondsLeft)} left`
      : problem === ''
        ? '; no running server adds them at the moment'
        : `; this fails: ${problem}`;
  return `${pending} of ${total} memories have none yet (${done} are done${left})`;
}
