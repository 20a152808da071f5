import { createHash } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';
import type { Settings } from '../config/schema.ts';
import type { SharedSearches } from '../embedding/shared/protocol.ts';
import type { MemoryStore } from '../store/memory-store.ts';
import { isSearchMethod, type SearchMethod } from '../store/worker/protocol.ts';
import { settleWithin } from '../util/concurrency.ts';
import { packageVersion } from '../util/package.ts';
import type { Tracer } from '../util/tracer.ts';
import { storeSettings } from './store-settings.ts';

/** The one parameter of each. */
type Asked<Method extends SearchMethod> = Parameters<MemoryStore[Method]>[0];
type Answer<Method extends SearchMethod> = Awaited<ReturnType<MemoryStore[Method]>>;

/**
 * Questions of this process in ten seconds. Who has more is faster with a thread of its own, and asks nobody for a while.
 */
const MOST_QUESTIONS = 20;
const COUNTED_MS = 10_000;
/** So long it asks nobody then, or after a fault. What it has for searches of its own is kept for as long. */
const ALONE_MS = 60_000;
/** More memories than these are read for an export or a clean-up: megabytes, for which another process is not kept from its calls. */
const MOST_READ = 50;
/** The other process reads the vectors of a million memories in less. */
const LIMIT_MS = 10_000;

export interface Elsewhere {
  /** The searches of another process; undefined = there is none that can do them. */
  readonly find: () => Promise<SharedSearches['answer'] | undefined>;
  /** The other process searches, and this one did not for a while. */
  readonly onUnused: () => void;
  /** Gets why a search of the other process failed; must not throw. */
  readonly onProblem: (error: unknown) => void;
  readonly tracer?: Tracer | undefined;
}

/**
 * The same store, whose searches are done by the process of the data folder that has the model, while there is one: this
 * process then needs no thread for them and no vectors in memory. Both read the same file, so a search sees all that was
 * written before it. After a fault this process searches itself, and then meets the fault again if it is one of the store.
 */
export function searchingElsewhere(
  store: MemoryStore,
  { find, onUnused, onProblem, tracer }: Elsewhere,
): MemoryStore {
  const patience = new Patience();
  let usedAt = -Infinity;
  async function ask<Method extends SearchMethod>(
    method: Method,
    parameter: Asked<Method>,
  ): Promise<Answer<Method> | undefined> {
    if (patience.isAlone) return undefined;
    try {
      const answer = await find();
      if (answer === undefined || !patience.mayAsk()) return undefined;
      const question = bytesOf([method, parameter]);
      const call = async (): Promise<Answer<Method>> => {
        const waiting = new AbortController();
        const bytes = await settleWithin(answer(question, waiting.signal), LIMIT_MS);
        // What has not begun there is not done in vain, and the connection keeps this process alive no longer.
        waiting.abort();
        if (bytes === undefined) throw new Error(`no answer in ${LIMIT_MS} ms`);
        // By the rules it is the same program on the same file.
        return deserialize(bytes) as Answer<Method>;
      };
      const request = { name: `store ${method}`, kind: 'client', facts: { elsewhere: true } } as const;
      const result = await (tracer === undefined ? call() : tracer.span(request, call));
      if (performance.now() - usedAt > ALONE_MS) onUnused();
      return result;
    } catch (error) {
      onProblem(error);
      patience.goAlone();
      return undefined;
    }
  }
  async function search<Method extends SearchMethod>(
    method: Method,
    parameter: Asked<Method>,
    searchHere: () => Promise<Answer<Method>>,
  ): Promise<Answer<Method>> {
    const answer = await ask(method, parameter);
    return answer ?? here(searchHere);
  }
  function here<Result>(searchHere: () => Promise<Result>): Promise<Result> {
    usedAt = performance.now();
    return searchHere();
  }
  return {
    ...store,
    best: (request) => search('best', request, () => store.best(request)),
    candidates: (request) => search('candidates', request, () => store.candidates(request)),
    tokenMatches: (request) => search('tokenMatches', request, () => store.tokenMatches(request)),
    getCurrent: (ids) => {
      const read = (): Promise<Answer<'getCurrent'>> => store.getCurrent(ids);
      return ids.length > MOST_READ ? here(read) : search('getCurrent', ids, read);
    },
  };
}

/** Whether the other process is asked. */
class Patience {
  #aloneUntil = -Infinity;
  #countedFrom = -Infinity;
  #count = 0;

  get isAlone(): boolean {
    return performance.now() < this.#aloneUntil;
  }

  goAlone(): void {
    this.#aloneUntil = performance.now() + ALONE_MS;
  }

  /** Counts a question; with too many of them it goes alone. */
  mayAsk(): boolean {
    const now = performance.now();
    if (now - this.#countedFrom > COUNTED_MS) {
      this.#countedFrom = now;
      this.#count = 0;
    }
    this.#count += 1;
    if (this.#count > MOST_QUESTIONS) this.goAlone();
    return !this.isAlone;
  }
}

/** The other side of `searchingElsewhere`. @param store searches in this process */
export function sharedSearches(store: MemoryStore, settings: Settings): SharedSearches {
  return {
    rules: rulesOf(settings),
    answer: async (question) => {
      const asked: unknown = deserialize(question);
      const [method, parameter] = Array.isArray(asked) ? (asked as unknown[]) : [];
      if (!isSearchMethod(method)) throw new TypeError('a question has no method');
      // By the rules the other process is the same program, and asks with the types of the port.
      const searches = store as unknown as Record<SearchMethod, (request: unknown) => Promise<unknown>>;
      return bytesOf(await searches[method](parameter));
    },
  };
}

function bytesOf(value: unknown): Uint8Array {
  const bytes = serialize(value);
  // A Buffer is no plain array of bytes for JSON.
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** What must be equal for a search of one process to be that of another. The format of the bytes is that of V8. */
function rulesOf(settings: Settings): string {
  const { vectorIndex, database } = storeSettings(settings);
  const facts = [packageVersion(), process.versions.v8, settings.store, vectorIndex, database ?? null];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}
