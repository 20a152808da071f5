import { RequestRefusedError } from '../errors/input-errors.ts';
import { QuotaExceededError } from '../errors/people-errors.ts';
import { SerialQueue } from '../util/concurrency.ts';

/** 0 = any number. */
export interface Quotas {
  /** Live memories in one space. */
  readonly spaceMemories: number;
  /** Of the content in one space. */
  readonly spaceBytes: number;
  /** Requests a minute about one space, by all people together. */
  readonly spaceRate: number;
  /** Requests a minute by one person. */
  readonly personRate: number;
}

/** A call that may store something. */
export interface QuotaCall {
  /** Of `MemoryApi`. */
  readonly method: string;
  readonly parameters: readonly unknown[];
  readonly perform: () => Promise<unknown>;
  readonly stats: () => Promise<SpaceUse>;
  /** Of the content, where it is kept elsewhere; undefined = `stats` says it. */
  readonly bytes: () => Promise<number | undefined>;
}

export interface SpaceUse {
  readonly live: number;
  readonly bytes: number;
  /** See `StoreStats`. */
  readonly usedBytes?: number;
}

const MINUTE_MS = 60_000;

/** Bounds the content of one space, and the rate of people's calls. */
export class SpaceQuotas {
  readonly #quotas: Quotas;
  readonly #now: () => number;
  /** Of spaces with writes under way, so that two writes do not both take the last place. */
  readonly #turns = new Map<string, { readonly queue: SerialQueue; waiting: number }>();
  readonly #counts = new Map<string, number>();
  #minute = 0;

  constructor(quotas: Quotas, now: () => number) {
    this.#quotas = quotas;
    this.#now = now;
  }

  /** Counts a request of a person. @throws RequestRefusedError (`RATE_LIMITED`) with the time to wait */
  admitPerson(person: string): void {
    this.#count(`person ${person}`, { limit: this.#quotas.personRate, whose: 'you' });
  }

  /** Counts a request about a space, by a person with a role in it. @throws as `admitPerson` */
  admitTo(space: string): void {
    this.#count(`space ${space}`, { limit: this.#quotas.spaceRate, whose: 'the members of this space' });
  }

  /** Makes the call unless it would store more than allowed. @throws QuotaExceededError */
  async checked(space: string, call: QuotaCall): Promise<unknown> {
    const { spaceMemories, spaceBytes } = this.#quotas;
    const added = addedBy(call);
    if (added === undefined || (spaceMemories === 0 && spaceBytes === 0)) return call.perform();
    return this.#inTurn(space, async () => {
      const { live, bytes: all, usedBytes = all } = await call.stats();
      if (spaceMemories > 0 && live + added.memories > spaceMemories) {
        throw new QuotaExceededError(space, `has ${live} memories, and may have ${spaceMemories}`);
      }
      const bytes = spaceBytes > 0 ? ((await call.bytes()) ?? usedBytes) : 0;
      if (spaceBytes > 0 && bytes + added.bytes > spaceBytes) {
        throw new QuotaExceededError(space, `takes ${bytes} bytes, and may take ${spaceBytes}`);
      }
      return call.perform();
    });
  }

  #count(key: string, { limit, whose }: { readonly limit: number; readonly whose: string }): void {
    if (limit === 0) return;
    const now = this.#now();
    const minute = Math.floor(now / MINUTE_MS);
    if (minute !== this.#minute) this.#counts.clear();
    this.#minute = minute;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    if (count <= limit) return;
    const seconds = Math.ceil(((minute + 1) * MINUTE_MS - now) / 1_000);
    throw new RequestRefusedError('RATE_LIMITED', `More than ${limit} requests a minute came from ${whose}`, {
      fix: `Wait ${seconds} seconds.`,
      headers: { 'Retry-After': String(seconds) },
    });
  }

  async #inTurn<Result>(space: string, work: () => Promise<Result>): Promise<Result> {
    const turns = this.#turns.get(space) ?? { queue: new SerialQueue(), waiting: 0 };
    this.#turns.set(space, turns);
    turns.waiting += 1;
    try {
      return await turns.queue.run(work);
    } finally {
      turns.waiting -= 1;
      if (turns.waiting === 0) this.#turns.delete(space);
    }
  }
}

/** The most that a call can add; undefined = it adds nothing. */
function addedBy({
  method,
  parameters: [first, options],
}: QuotaCall): { memories: number; bytes: number } | undefined {
  const entries = entriesOf(method, first);
  if (entries === undefined || (options as { dryRun?: boolean } | undefined)?.dryRun === true)
    return undefined;
  // A new text takes its place even where it only changes a memory: the old one is kept as its history.
  return {
    memories: method === 'update' ? 0 : entries.length,
    bytes: Buffer.byteLength(JSON.stringify(entries)),
  };
}

function entriesOf(method: string, request: unknown): readonly unknown[] | undefined {
  switch (method) {
    case 'add':
      return (request as { memories: readonly unknown[] }).memories;
    case 'capture':
      return (request as { turns: readonly unknown[] }).turns;
    case 'importBatch':
    case 'restore':
      return request as readonly unknown[];
    case 'update':
      return [request];
    default:
      return undefined;
  }
}
