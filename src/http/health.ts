import type { Hono } from 'hono';
import { type Authenticator, SERVER_PERSON } from '../auth/principal.ts';
import type { OpenServices, Services } from '../api/services.ts';
import { type ErrorCode, FaissMemoryError } from '../errors/faiss-memory-error.ts';
import type { Stats } from '../memory/memory-api.ts';
import { settleWithin } from '../util/concurrency.ts';
import type { Admission } from './guards/admission.ts';
import { givenCredential, knownBy } from './guards/token-guard.ts';
import type { HttpContext, HttpEnvironment } from './http-environment.ts';

/** How long the store may take to answer. */
const LIMIT_MS = 2_000;
/** A store that answered this recently is only slow. */
const SLOW_FOR_MS = 30_000;
/** One question serves all who ask meanwhile. */
const FRESH_MS = 500;
const OVERLOADED_FOR_MS = 10_000;

export interface HealthParts {
  readonly open: OpenServices;
  /** True from the moment that the server was asked to stop. */
  readonly isStopping: () => boolean;
  /** Whose callers are told the parts; none = everybody is. */
  readonly authenticators?: readonly Authenticator[];
  /** There are people who are no operators. */
  readonly hasPeople?: boolean;
  readonly admission?: Admission;
}

type Status = 'ok' | 'degraded' | 'unavailable';
type StoreStatus = 'ok' | 'slow' | 'loading' | 'starting' | 'stopping' | 'unavailable';

interface Look {
  readonly store: StoreStatus;
  readonly code?: ErrorCode | undefined;
  readonly stats?: Stats | undefined;
}

/**
 * `/health/live`: the process answers; restart it when it does not. `/health/ready`: the memories can be read here; send
 * no requests while it says 503. A database that does not answer makes no server unready, because all would be at once,
 * and each can still read. `/health`: both in one answer, and the parts for callers with a token.
 */
export function mountHealth(app: Hono<HttpEnvironment>, parts: HealthParts): void {
  const probe = new StoreProbe(parts);
  app.get('/health/live', (context) => context.json({ live: true }));
  app.get('/health/ready', async (context) => {
    const ready = isReady(await probe.look());
    return context.json({ ready }, ready ? 200 : 503);
  });
  app.get('/health', async (context) => {
    const look = await probe.look();
    const whole = { status: statusOf(look, parts.admission), live: true, ready: isReady(look) };
    return context.json(
      (await mayKnow(context, parts)) ? { ...whole, ...(await partsOf(look, parts)) } : whole,
    );
  });
}

function isReady({ store }: Look): boolean {
  return store === 'ok' || store === 'slow';
}

function statusOf(look: Look, admission: Admission | undefined): Status {
  if (!isReady(look)) return 'unavailable';
  const isOverloaded = admission?.hasRefusedWithin(OVERLOADED_FOR_MS) === true;
  return look.store === 'slow' || look.stats?.shared?.answers === false || isOverloaded ? 'degraded' : 'ok';
}

/** Asks the store, one question at a time. */
class StoreProbe {
  readonly #parts: HealthParts;
  #asking: Promise<void> | null = null;
  #askedAt = -Infinity;
  #answeredAt = -Infinity;
  #last: Look = { store: 'starting' };

  constructor(parts: HealthParts) {
    this.#parts = parts;
  }

  async look(): Promise<Look> {
    if (this.#parts.isStopping()) return { store: 'stopping' };
    // Good news may be a moment old.
    const isFresh = isReady(this.#last) && performance.now() - this.#askedAt <= FRESH_MS;
    if (this.#asking === null && !isFresh) this.#asking = this.#ask();
    if (this.#asking === null) return this.#last;
    const isAnswered = await settleWithin(
      this.#asking.then(() => true),
      LIMIT_MS,
    );
    if (isAnswered === true) return this.#last;
    const isSlow = isReady(this.#last) && performance.now() - this.#answeredAt < SLOW_FOR_MS;
    if (isSlow) return { ...this.#last, store: 'slow' };
    return isReady(this.#last) ? { store: 'unavailable' } : this.#last;
  }

  async #ask(): Promise<void> {
    this.#askedAt = performance.now();
    try {
      const { memory } = await this.#parts.open();
      const [, stats] = await Promise.all([
        memory.list({ limit: 1 }),
        // An endpoint of embeddings may be slow, and is not needed to read.
        settleWithin(memory.stats(), LIMIT_MS / 2).catch(() => undefined),
      ]);
      this.#last = { store: stats?.shared?.loading === true ? 'loading' : 'ok', stats };
      this.#answeredAt = performance.now();
    } catch (error) {
      const code = error instanceof FaissMemoryError ? error.code : undefined;
      this.#last = { store: 'unavailable', code };
    } finally {
      this.#asking = null;
    }
  }
}

/** The operator's callers; in a team the others see no numbers of memories that may not be theirs. */
async function mayKnow(context: HttpContext, { authenticators, hasPeople }: HealthParts): Promise<boolean> {
  if (authenticators === undefined || authenticators.length === 0) return true;
  const given = givenCredential(context);
  if (given === undefined) return false;
  // The caller may be known only to the database, which may not answer now.
  const knowing = settleWithin(knownBy(authenticators, given), LIMIT_MS / 2);
  const principal = (await knowing.catch(() => null)) ?? null;
  return principal !== null && (hasPeople !== true || principal.person === SERVER_PERSON);
}

/** Each part with its state. No addresses, names or texts. */
async function partsOf({ store, code, stats }: Look, { open, admission }: HealthParts): Promise<object> {
  const shared = stats?.shared;
  return {
    store: { status: store, ...(code === undefined ? {} : { code }) },
    ...(shared === undefined
      ? {}
      : {
          database: {
            status: shared.answers ? 'ok' : 'unreachable',
            seconds_since_answer: roundedOrNull(shared.secondsSinceAnswer),
            unread_entries: shared.lag,
            writes_under_way: shared.writes,
          },
        }),
    model: modelState(stats),
    remote: await settleWithin(
      open().then((services) => remoteState(services)),
      LIMIT_MS / 2,
    ).catch(() => ({ status: 'unknown' })),
    ...(admission === undefined
      ? {}
      : { requests: { running: admission.running, waiting: admission.waiting } }),
  };
}

function roundedOrNull(seconds: number | null): number | null {
  return seconds === null ? null : Math.round(seconds * 10) / 10;
}

function modelState(stats: Stats | undefined): object {
  if (stats === undefined) return { status: 'unknown' };
  const { modelId, ready, problem, pending } = stats.embedding;
  if (modelId === '' && problem === '') return { status: 'off' };
  return {
    status: problem === '' ? (ready ? 'ok' : 'not_loaded') : 'unavailable',
    without_vector: pending,
  };
}

async function remoteState({ sync }: Services): Promise<object> {
  const { enabled, reachable, lastPush, problem } = await sync.status({ offline: true });
  if (!enabled) return { status: 'off' };
  const status = reachable?.value === false ? 'unreachable' : problem === null ? 'ok' : 'problem';
  return {
    status,
    ...(lastPush === null ? {} : { last_push: new Date(lastPush.at).toISOString() }),
  };
}
