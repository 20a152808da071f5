import type { BlobStore } from '../../src/blob/blob-store.ts';
import { BlobStoreError } from '../../src/errors/remote-errors.ts';
import { InMemoryBlobStore, type StoredBlob } from '../../src/blob/in-memory-blob-store.ts';
import { interceptBlobStore, type InterceptedCall } from '../../src/blob/decorators.ts';
import { hashedNumber, SeededRandom } from './seeded-random.ts';

/** The end of a process, as every call of it sees it. */
export class Crash extends Error {}

/** What a store does to one call. */
export type Fault =
  'none' | 'fails' | 'fails after it was done' | 'stores half of it' | 'crash' | 'crash after it was done';

export interface FaultyStoreOptions {
  readonly objects: Map<string, StoredBlob>;
  /** The clock of the store. */
  readonly now: () => number;
  /** Before each call: whose turn it is. */
  readonly turn: () => Promise<void>;
  readonly fault: (call: InterceptedCall) => Fault;
  /** True when the process that holds the store has ended. */
  readonly isDead: () => boolean;
  readonly crash: () => void;
  /** Sees every change of the objects, after it was made. */
  readonly onChange: (operation: 'put' | 'delete', key: string) => void;
  /** Present where answers may be late. A process always sees the present state of its own folder. */
  readonly past?: { readonly heads: PastHeads; readonly isOwn: (key: string) => boolean };
  /** True when the answer to a call that was made comes later, so that answers come in another order than the calls. */
  readonly isLate: () => boolean;
}

/** In some seeds answers come in another order than the calls were made. */
export function lateAnswers(seed: number): () => boolean {
  const dice = new SeededRandom(seed + 17_000_023);
  const rate = dice.chance(0.3) ? 0.3 : 0;
  return () => rate > 0 && dice.chance(rate);
}

const STALE_MS = 60_000;

/** The heads that were replaced in the last minute. A store that answers late may show them again. */
export class PastHeads {
  readonly #replaced = new Map<string, { readonly blob: StoredBlob | undefined; readonly at: number }>();
  readonly #isStale: () => boolean;

  /** In some seeds the store answers late; with dice of their own, so that they change no others. */
  static of(seed: number, areFaultsOn: () => boolean): PastHeads {
    const dice = new SeededRandom(seed + 13_000_003);
    const rate = dice.chance(0.3) ? 0.2 : 0;
    return new PastHeads(() => areFaultsOn() && dice.chance(rate));
  }

  /** @param isStale decides for each read */
  constructor(isStale: () => boolean) {
    this.#isStale = isStale;
  }

  noteBefore(objects: ReadonlyMap<string, StoredBlob>, key: string, now: number): void {
    if (key.endsWith('/head')) this.#replaced.set(key, { blob: objects.get(key), at: now });
  }

  /** @returns what the key had before, as the only object of a map; null = the present answer */
  answerFor({ operation, key }: InterceptedCall, now: number): Map<string, StoredBlob> | null {
    const past = operation === 'get' ? this.#replaced.get(key) : undefined;
    if (past === undefined || now - past.at > STALE_MS || !this.#isStale()) return null;
    return new Map(past.blob === undefined ? [] : [[key, past.blob]]);
  }
}

/** An object store whose every call may be late, fail, fail after it was done, lie, or be the last of its process. */
export function faultyStore(options: FaultyStoreOptions): BlobStore {
  const { objects, now, turn, fault, isDead, crash, onChange, past, isLate } = options;
  const inner = new InMemoryBlobStore({ objects, now });
  return interceptBlobStore(inner, async (call, proceed) => {
    await turn();
    if (isDead()) throw new Crash();
    const what = fault(call);
    if (what === 'crash') crash();
    if (what === 'fails') throw failure(call);
    if (isDead()) throw new Crash();
    const changes = call.operation === 'put' || call.operation === 'delete';
    const stale = past === undefined || past.isOwn(call.key) ? null : past.heads.answerFor(call, now());
    // The interceptor does not know which call it passes on, so the answer has the type of that call.
    if (stale !== null) return (await new InMemoryBlobStore({ objects: stale, now }).get(call.key)) as never;
    if (changes) past?.heads.noteBefore(objects, call.key, now());
    const result = await proceed();
    if (what === 'stores half of it' && call.operation === 'put') halve(objects, call.key);
    if (changes) onChange(call.operation, call.key);
    if (isLate()) await turn();
    if (what === 'crash after it was done') crash();
    if (isDead()) throw new Crash();
    if (what === 'fails after it was done') throw failure(call);
    return result;
  });
}

function halve(objects: Map<string, StoredBlob>, key: string): void {
  const stored = objects.get(key);
  if (stored === undefined) return;
  objects.set(key, { ...stored, bytes: stored.bytes.slice(0, stored.bytes.length >> 1) });
}

function failure({ operation, key }: InterceptedCall): BlobStoreError {
  return new BlobStoreError('interrupted', {
    operation,
    key,
    location: 'simulation',
    problem: 'a fault',
    retryable: true,
  });
}

/** The fault of a call follows from the seed, the work and how often the work has made the same call. */
export class FaultPlan {
  readonly #seed: number;
  readonly #counts = new Map<string, number>();
  rate = 0;
  #work = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  nextWork(): void {
    this.#work += 1;
  }

  draw(machine: number, place: 'local' | 'remote', { operation, key }: InterceptedCall): Fault {
    const name = `${machine} ${place} ${operation} ${kindOf(key)}`;
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    const number = hashedNumber(this.#seed, this.#work, name, count);
    if (number >= this.rate) return 'none';
    const faults: readonly Fault[] =
      place === 'local'
        ? ['crash', 'crash after it was done']
        : [
            'fails',
            'fails',
            'fails after it was done',
            'stores half of it',
            'crash',
            'crash after it was done',
          ];
    return faults[Math.floor((number / this.rate) * faults.length)] ?? 'none';
  }
}

/** Keys of new objects are random or hashes; their kind is what makes calls the same. */
function kindOf(key: string): string {
  return key.split('/')[2] ?? '';
}
