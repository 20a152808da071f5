import { describe, expect, test } from 'vitest';
import { simulate } from './simulate.ts';

const LIMIT_MS = 20 * 60_000;

/**
 * Plays so many seeds from the first one on; `SIMULATION_SEEDS` changes their number. With `SIMULATION_SEED` only
 * that one is played, in the file it belongs to.
 */
export function describeSeeds(first: number, count: number): void {
  const chosen = process.env['SIMULATION_SEED'];
  const number = Number(process.env['SIMULATION_SEEDS'] ?? count);
  const all = Array.from({ length: number }, (_, index) => first + index);
  const seeds = chosen === undefined ? all : [Number(chosen)];
  describe(`machines over a faulty store, from seed ${first}`, () => {
    test(
      'lose no write, list only whole snapshots, touch only their own objects, and end equal',
      async () => {
        for (const seed of seeds) await simulate(seed);
        expect(seeds.length).toBeGreaterThan(0);
      },
      LIMIT_MS,
    );
  });
}
