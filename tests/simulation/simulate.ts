import { World } from './world.ts';

const STEPS = 24;

/** Plays one seed to its end. @throws Error with the command that plays it again, and what had happened */
export async function simulate(seed: number): Promise<void> {
  const world = new World(seed);
  try {
    for (let step = 0; step < STEPS; step += 1) await world.step();
    await world.setBack();
    await world.erode();
    await world.settle();
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `seed ${seed}: ${problem}\nplay it again: SIMULATION_SEED=${seed} npx vitest run tests/simulation/first-seeds.long.test.ts\n${world.trace.join('\n')}`,
      { cause },
    );
  }
}
