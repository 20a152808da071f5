import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assembleReplica } from '../../src/store/worker/client.ts';
import type { VersionVector } from '../../src/memory/version.ts';
import {
  apply,
  idOf,
  merge,
  shownBy,
  snapshotOf,
  type ReplicaUnderTest,
  type Snapshot,
} from '../contract/replica/use-replicas.ts';
import { replicaUnderTest } from '../helpers/replica-under-test.ts';
import { openSqliteStore } from '../helpers/sqlite-store.ts';

const MACHINES = 3;
const MEMORIES = 3;
const KINDS = [
  'write',
  'write',
  'delete',
  'purge',
  'strip',
  'merge',
  'merge',
  'remember',
  'revert',
  'rename',
] as const;

interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly on: number;
  readonly from: number;
  readonly memory: number;
}

const machine = fc.nat({ max: MACHINES - 1 });
const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom(...KINDS),
    on: machine,
    from: machine,
    memory: fc.nat({ max: MEMORIES - 1 }),
  }),
  { minLength: 10, maxLength: 30 },
);

class World {
  readonly machines: readonly ReplicaUnderTest[] = Array.from({ length: MACHINES }, () =>
    replicaUnderTest((dataDir) => {
      const memory = openSqliteStore(dataDir);
      return { memory, replica: assembleReplica(memory.replica) };
    }),
  );
  #remembered: Snapshot | null = null;
  #texts = 0;

  async run({ kind, on, from, memory }: Step): Promise<void> {
    const [target, source] = [this.machines[on], this.machines[from]];
    if (target === undefined || source === undefined) return;
    const id = idOf(memory);
    const known = await target.replica.identity();
    if (kind === 'write') await target.write(id, `text ${(this.#texts += 1)}`);
    else if (kind === 'strip') await target.strip();
    else if (kind === 'merge') await merge(source, target);
    else if (kind === 'remember') this.#remembered = await snapshotOf(target.replica);
    else if (kind === 'rename') await target.replica.takeNewIdentity(known.machine, await this.#shared(on));
    else if (kind === 'revert') await this.#revert(target);
    else if ((await snapshotOf(target.replica)).states.some((state) => state.id === id))
      await target[kind](id);
  }

  /** The newest write of this machine that any other store or snapshot includes. */
  async #shared(on: number): Promise<number> {
    const own = await this.machines[on]?.replica.identity();
    const others = this.machines.filter((_, index) => index !== on);
    const identities = await Promise.all(others.map(({ replica }) => replica.identity()));
    const includedBy = (clock: VersionVector = {}): number => clock[own?.machine ?? ''] ?? 0;
    return Math.max(includedBy(this.#remembered?.clock), ...identities.map(({ clock }) => includedBy(clock)));
  }

  async #revert(target: ReplicaUnderTest): Promise<void> {
    if (this.#remembered === null) return;
    const { after, keptErased } = await apply(target.replica, 'restore', this.#remembered);
    if (keptErased === 0) expect(after.contentDigest).toBe(this.#remembered.contentDigest);
  }

  /** Everybody merges everybody twice: enough to learn all, also what was written anew under a fresh dot. */
  async settle(): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      for (const target of this.machines) {
        for (const source of this.machines) if (source !== target) await merge(source, target);
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.machines.map((replica) => replica.close()));
  }
}

test('stores that exchange states in any order end in the same state', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const world = new World();
      try {
        for (const step of history) await world.run(step);
        for (const replica of world.machines) expect(await replica.problems()).toEqual([]);
        await world.settle();
        const identities = await Promise.all(world.machines.map(({ replica }) => replica.identity()));
        expect(new Set(identities.map(({ stateDigest }) => stateDigest)).size).toBe(1);
        expect(new Set(identities.map(({ contentDigest }) => contentDigest)).size).toBe(1);
        const [shown, ...others] = await Promise.all(world.machines.map(shownBy));
        for (const other of others) expect(other).toEqual(shown);
        for (const replica of world.machines) expect(await replica.problems()).toEqual([]);
      } finally {
        await world.close();
      }
    }),
    { numRuns: 15 },
  );
});
