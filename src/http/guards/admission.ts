import { getConnInfo } from '@hono/node-server/conninfo';
import type { MiddlewareHandler } from 'hono';
import { SERVER_PERSON } from '../../auth/principal.ts';
import { RequestRefusedError } from '../../errors/input-errors.ts';
import type { HttpContext, HttpEnvironment } from '../http-environment.ts';
import { readWholeBody } from '../whole-body.ts';
import { isImport } from './limit-guards.ts';

export interface AdmissionLimits {
  /** Requests that are worked on at the same time; 0 = any number. */
  readonly concurrency: number;
  /** Requests that may wait. */
  readonly queue: number;
  /** Default 5 seconds. */
  readonly longestWaitMs?: number;
  /** Hears of refusals, not of each: at most once in ten seconds. */
  readonly onOverload?: () => void;
}

/** Why a request was refused: too many wait already, its turn would come too late, or it did not come in time. */
export type RefusalReason = 'full' | 'slow' | 'late';

interface Waiter {
  readonly since: number;
  readonly begin: () => void;
  readonly refuse: (reason: RefusalReason) => void;
}

/** The requests of one person. */
interface Share {
  running: number;
  readonly waiting: Waiter[];
}

const LONGEST_WAIT_MS = 5_000;
/** The share of the places that one person leaves to the others. */
const LEFT_TO_OTHERS = 1 / 8;
/** A request that takes longer waits for something else than this process: a remote, a reader, an answer of a person. */
const HELD_AT_MOST_MS = 20_000;
const WEIGHT_OF_NEWEST = 0.1;
const MAX_RETRY_SECONDS = 30;
const TELL_EVERY_MS = 10_000;

/**
 * A bounded number of requests is worked on, a bounded number waits, all others are refused at once. People take turns:
 * the next place goes to the one with the fewest requests under way, and when no more may wait, the person with the
 * most waiting ones loses the newest. So a flood of one person costs the others no more than a place in between.
 */
export class Admission {
  readonly refused: Record<RefusalReason, number> = { full: 0, slow: 0, late: 0 };
  readonly #limits: Required<Omit<AdmissionLimits, 'onOverload'>>;
  readonly #onOverload: () => void;
  readonly #shares = new Map<string, Share>();
  #running = 0;
  #waiting = 0;
  /** How long a request keeps its place, an average that forgets. */
  #usualMs = 0;
  #refusedAt = -Infinity;
  #toldAt = -Infinity;

  constructor({ concurrency, queue, longestWaitMs = LONGEST_WAIT_MS, onOverload }: AdmissionLimits) {
    this.#onOverload = onOverload ?? (() => undefined);
    this.#limits = { concurrency: concurrency === 0 ? Infinity : concurrency, queue, longestWaitMs };
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** True when a request was refused within this time. */
  hasRefusedWithin(milliseconds: number): boolean {
    return performance.now() - this.#refusedAt <= milliseconds;
  }

  /**
   * Waits for a place.
   * @returns a function that gives it back; it is given back by itself after a while
   * @throws RequestRefusedError `OVERLOADED`
   */
  async enter(person: string): Promise<() => void> {
    const share = this.#shares.get(person) ?? { running: 0, waiting: [] };
    this.#shares.set(person, share);
    if (this.#hasPlace(share) && share.waiting.length === 0) this.#take(share);
    else
      await this.#wait(share).catch((error: unknown) => {
        this.#forgetIdle(person, share);
        throw error;
      });
    const begun = performance.now();
    let isHeld = true;
    const leave = (): void => {
      if (!isHeld) return;
      isHeld = false;
      clearTimeout(timer);
      this.#leave(person, share, performance.now() - begun);
    };
    const timer = setTimeout(leave, HELD_AT_MOST_MS).unref();
    return leave;
  }

  #hasPlace({ running }: Share): boolean {
    const { concurrency } = this.#limits;
    const own = concurrency === Infinity ? Infinity : concurrency - Math.floor(concurrency * LEFT_TO_OTHERS);
    return this.#running < concurrency && running < own;
  }

  #take(share: Share): void {
    this.#running += 1;
    share.running += 1;
  }

  #leave(person: string, share: Share, heldMs: number): void {
    this.#running -= 1;
    share.running -= 1;
    this.#usualMs += (heldMs - this.#usualMs) * WEIGHT_OF_NEWEST;
    this.#next();
    this.#forgetIdle(person, share);
  }

  #forgetIdle(person: string, share: Share): void {
    const isIdle = share.running === 0 && share.waiting.length === 0;
    if (isIdle && this.#shares.get(person) === share) this.#shares.delete(person);
  }

  async #wait(share: Share): Promise<void> {
    if (this.#expectedMs(share) > this.#limits.longestWaitMs) throw this.#refusal('slow', share);
    if (this.#waiting >= this.#limits.queue) this.#makeRoom(share);
    await new Promise<void>((resolve, reject) => {
      const forget = (): void => {
        clearTimeout(timer);
        share.waiting.splice(share.waiting.indexOf(waiter), 1);
        this.#waiting -= 1;
      };
      const waiter: Waiter = {
        since: performance.now(),
        begin: () => {
          forget();
          this.#take(share);
          resolve();
        },
        refuse: (reason) => {
          forget();
          reject(this.#refusal(reason, share));
        },
      };
      const timer = setTimeout(() => {
        waiter.refuse('late');
      }, this.#limits.longestWaitMs);
      share.waiting.push(waiter);
      this.#waiting += 1;
    });
  }

  /** The turn of one more request of this person, if the others take as long as the last ones. */
  #expectedMs({ waiting }: Share): number {
    const people = [...this.#shares.values()].filter((share) => share.waiting.length > 0).length;
    return (this.#usualMs * (waiting.length + 1) * Math.max(1, people)) / this.#limits.concurrency;
  }

  /** @throws RequestRefusedError when the person of the new request has the most waiting ones */
  #makeRoom(share: Share): void {
    let most = share;
    for (const other of this.#shares.values()) {
      if (other.waiting.length > Math.max(most.waiting.length, share.waiting.length + 1)) most = other;
    }
    const newest = most.waiting.at(-1);
    if (most === share || newest === undefined) throw this.#refusal('full', share);
    newest.refuse('full');
  }

  #next(): void {
    for (let chosen = this.#chosen(); chosen !== undefined; chosen = this.#chosen()) chosen.begin();
  }

  #chosen(): Waiter | undefined {
    let best: { readonly running: number; readonly waiter: Waiter } | undefined;
    for (const share of this.#shares.values()) {
      const [waiter] = share.waiting;
      if (waiter === undefined || !this.#hasPlace(share)) continue;
      const { running } = share;
      const isBetter =
        best === undefined ||
        running < best.running ||
        (running === best.running && waiter.since < best.waiter.since);
      if (isBetter) best = { running, waiter };
    }
    return best?.waiter;
  }

  #refusal(reason: RefusalReason, share: Share): RequestRefusedError {
    this.refused[reason] += 1;
    this.#refusedAt = performance.now();
    if (this.#refusedAt - this.#toldAt > TELL_EVERY_MS) {
      this.#toldAt = this.#refusedAt;
      this.#onOverload();
    }
    // Not all at the same moment again.
    const seconds = (this.#expectedMs(share) / 1_000) * (1 + Math.random());
    return new RequestRefusedError('OVERLOADED', 'The server has more to do than it can finish soon', {
      fix: 'Send the request again after the time in Retry-After; it was not begun.',
      headers: { 'Retry-After': String(Math.max(1, Math.min(MAX_RETRY_SECONDS, Math.ceil(seconds)))) },
    });
  }
}

/**
 * Lets requests to the memories in as the admission says. Streams that a client only listens to need no place, nor do
 * imports, whose bodies are read while they are worked on; all others get one once their bodies are here, so that
 * clients that send slowly take none.
 */
export function admissionGuard(admission: Admission): MiddlewareHandler<HttpEnvironment> {
  return async (context, next) => {
    if (isOnlyHeard(context) || isStreamed(context)) return next();
    await readWholeBody(context);
    const leave = await admission.enter(personOf(context));
    const outgoing = outgoingOf(context);
    if (isGone(outgoing)) {
      // The client went away meanwhile.
      leave();
      return context.body(null, 503);
    }
    // An answer of MCP begins before its work is done.
    outgoing?.once('close', leave);
    try {
      await next();
    } finally {
      if (outgoing === undefined || isGone(outgoing)) leave();
    }
    return undefined;
  };
}

const LISTENING = /^\/(?:(?:mcp|sse)(?:\/[^/]*)?|metrics)\/?$/;

function isOnlyHeard({ req }: HttpContext): boolean {
  return req.method === 'GET' && LISTENING.test(req.path);
}

function isStreamed({ req }: HttpContext): boolean {
  return req.method === 'POST' && isImport(req.path);
}

type Outgoing = HttpEnvironment['Bindings']['outgoing'];

function outgoingOf(context: HttpContext): Outgoing | undefined {
  // Without a network, as in tests, there is none.
  return (context.env as Partial<HttpEnvironment['Bindings']>).outgoing;
}

function isGone(outgoing: Outgoing | undefined): boolean {
  return outgoing?.destroyed === true;
}

/** Callers with the shared token are told apart by their addresses. */
function personOf(context: HttpContext): string {
  const { person } = context.get('principal');
  if (person !== SERVER_PERSON || outgoingOf(context) === undefined) return person;
  return `${person} ${getConnInfo(context).remote.address ?? ''}`;
}
