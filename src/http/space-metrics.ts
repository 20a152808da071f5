import { Gauge, type Registry } from 'prom-client';
import type { OpenServices } from '../api/services.ts';

const WINDOW_MS = 300_000;
const SLICE_MS = 60_000;
/** As many spaces have numbers of their own. */
const RANKS = 5;
/** More in one slice are not told apart; the sums have them all the same. */
const MOST_SPACES = 20_000;

interface Use {
  requests: number;
  writes: number;
  seconds: number;
}

interface Slice {
  readonly begun: number;
  readonly spaces: Map<string, Use>;
}

/** One request to a space. */
export interface SpaceRequest {
  readonly space: string;
  readonly isWrite: boolean;
  readonly seconds: number;
  readonly open: OpenServices;
}

/**
 * How much spaces are used, without saying which: the busiest of the last five minutes have a rank as their label, the
 * others are in the sums. So the number of series is bounded, and a label names no person and is not the same space tomorrow.
 */
export class SpaceMetrics {
  #slices: Slice[] = [];
  /** Of the spaces in the slices, the last one that a request opened. */
  readonly #services = new Map<string, OpenServices>();
  readonly #now: () => number;

  constructor(registry: Registry, { prefix, now = Date.now }: { prefix: string; now?: () => number }) {
    this.#now = now;
    const registers = [registry];
    new Gauge({
      name: `${prefix}spaces_used`,
      help: 'Spaces with a request in the last five minutes.',
      registers,
      collect() {
        this.set(used().length);
      },
    });
    const used = (): [string, Use][] => this.#ranked();
    const byRank = (name: string, help: string, value: (use: Use) => number): void => {
      new Gauge({
        name: prefix + name,
        help: `${help} in the last five minutes, of the busiest spaces by rank.`,
        labelNames: ['rank'],
        registers,
        collect() {
          this.reset();
          for (const [place, [, use]] of used().slice(0, RANKS).entries())
            this.set({ rank: String(place + 1) }, value(use));
        },
      });
    };
    byRank('space_requests', 'Requests', ({ requests }) => requests);
    byRank('space_writes', 'Requests that may change memories', ({ writes }) => writes);
    byRank('space_request_seconds', 'Time until answers began', ({ seconds }) => seconds);
    const memories = new Gauge({
      name: `${prefix}space_memories`,
      help: 'Live memories of the busiest spaces by rank.',
      labelNames: ['rank'],
      registers,
      collect: async () => {
        memories.reset();
        for (const [place, [space]] of this.#ranked().slice(0, RANKS).entries()) {
          const open = this.#services.get(space);
          const stats = await open?.()
            .then(({ memory }) => memory.stats())
            .catch(() => undefined);
          if (stats !== undefined) memories.set({ rank: String(place + 1) }, stats.live);
        }
      },
    });
  }

  note({ space, isWrite, seconds, open }: SpaceRequest): void {
    const { spaces } = this.#slice();
    const name = spaces.has(space) || spaces.size < MOST_SPACES ? space : '';
    const use = spaces.get(name) ?? { requests: 0, writes: 0, seconds: 0 };
    use.requests += 1;
    use.writes += isWrite ? 1 : 0;
    use.seconds += seconds;
    spaces.set(name, use);
    if (name !== '') this.#services.set(name, open);
  }

  #slice(): Slice {
    this.#forgetOld();
    const newest = this.#slices.at(-1);
    if (newest !== undefined && this.#now() - newest.begun < SLICE_MS) return newest;
    const slice = { begun: this.#now(), spaces: new Map<string, Use>() };
    this.#slices.push(slice);
    return slice;
  }

  #forgetOld(): void {
    const [oldest] = this.#slices;
    if (oldest === undefined || this.#now() - oldest.begun < WINDOW_MS) return;
    this.#slices = this.#slices.filter(({ begun }) => this.#now() - begun < WINDOW_MS);
    for (const space of this.#services.keys())
      if (!this.#slices.some(({ spaces }) => spaces.has(space))) this.#services.delete(space);
  }

  /** Most requests first. */
  #ranked(): [string, Use][] {
    this.#forgetOld();
    const sums = new Map<string, Use>();
    for (const { spaces } of this.#slices) {
      for (const [space, { requests, writes, seconds }] of spaces) {
        const sum = sums.get(space) ?? { requests: 0, writes: 0, seconds: 0 };
        sum.requests += requests;
        sum.writes += writes;
        sum.seconds += seconds;
        sums.set(space, sum);
      }
    }
    return [...sums].sort(([, a], [, b]) => b.requests - a.requests);
  }
}
