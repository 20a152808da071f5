import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonicalJson,
  compareVersionVectors,
  covers,
  currentVersion,
  isConflict,
  joinVersionVectors,
  mergeSiblings,
  sameDot,
  type VersionVector,
  type Version,
  type VersionState,
} from '../../src/memory/version.ts';

/** A machine with one memory: what the merge has to be right for, since memories do not touch each other. */
interface Replica {
  readonly name: string;
  siblings: Version[];
  clock: VersionVector;
}

type Action =
  | {
      readonly kind: 'write';
      readonly at: number;
      readonly state: VersionState;
      readonly text: string;
      readonly time: number;
    }
  | { readonly kind: 'exchange'; readonly from: number; readonly to: number }
  | { readonly kind: 'strip'; readonly at: number };

const MACHINES = 4;
const machine = fc.nat(MACHINES - 1);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      at: machine,
      state: fc.constantFrom<VersionState>('live', 'live', 'live', 'deleted', 'purged'),
      text: fc.constantFrom('a', 'b', 'c'),
      time: fc.nat(5),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('exchange' as const), from: machine, to: machine }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('strip' as const), at: machine }) },
);

/** Every write ever acknowledged, with the dots that it knew to be replaced by it. */
interface Written {
  readonly version: Version;
  readonly knew: VersionVector;
}

class World {
  readonly replicas: Replica[] = Array.from({ length: MACHINES }, (_, index) => ({
    name: `m${index}`,
    siblings: [],
    clock: {},
  }));
  readonly written: Written[] = [];

  run(actions: readonly Action[]): void {
    for (const each of actions) this.#step(each);
  }

  #step(each: Action): void {
    if (each.kind === 'exchange') merge(this.at(each.to), this.at(each.from));
    else if (each.kind === 'strip') strip(this.at(each.at));
    else this.#write(this.at(each.at), each);
  }

  at(index: number): Replica {
    const replica = this.replicas[index];
    if (replica === undefined) throw new RangeError(`no machine ${index}`);
    return replica;
  }

  #write(replica: Replica, { state, text, time }: Extract<Action, { kind: 'write' }>): void {
    const n = (replica.clock[replica.name] ?? 0) + 1;
    const gone = state === 'purged';
    const version: Version = {
      dot: { machine: replica.name, n },
      state,
      text: gone ? '' : text,
      tags: [],
      source: '',
      metadata: {},
      createdAt: 0,
      updatedAt: time,
    };
    this.written.push({ version, knew: replica.clock });
    replica.siblings = [version];
    replica.clock = { ...replica.clock, [replica.name]: n };
  }

  /** Exchanges until everybody has heard everything. */
  settle(): void {
    for (let round = 0; round < MACHINES; round += 1) {
      for (const to of this.replicas) for (const from of this.replicas) merge(to, from);
    }
  }
}

function merge(to: Replica, from: Replica): void {
  if (from.siblings.length === 0) return;
  to.siblings = to.siblings.length === 0 ? [...from.siblings] : mergeSiblings(to, from);
  to.clock = joinVersionVectors(to.clock, from.clock);
}

function strip(replica: Replica): void {
  replica.siblings = replica.siblings.map((version) =>
    version.state === 'deleted' ? { ...version, state: 'stripped', text: '' } : version,
  );
}

function worldAfter(actions: readonly Action[]): World {
  const world = new World();
  world.run(actions);
  return world;
}

const actions = fc.array(action, { maxLength: 40 });
const runs = { numRuns: 400 };

describe('merge of versions', () => {
  test('is commutative', () => {
    fc.assert(
      fc.property(actions, machine, machine, (steps, i, j) => {
        const world = worldAfter(steps);
        const [a, b] = [world.at(i), world.at(j)];
        if (a.siblings.length === 0 || b.siblings.length === 0) return;
        expect(mergeSiblings(a, b)).toEqual(mergeSiblings(b, a));
      }),
      runs,
    );
  });

  test('is associative', () => {
    fc.assert(
      fc.property(actions, machine, machine, machine, (steps, i, j, k) => {
        const world = worldAfter(steps);
        const [a, b, c] = [world.at(i), world.at(j), world.at(k)];
        if ([a, b, c].some(({ siblings }) => siblings.length === 0)) return;
        const ab = { siblings: mergeSiblings(a, b), clock: joinVersionVectors(a.clock, b.clock) };
        const bc = { siblings: mergeSiblings(b, c), clock: joinVersionVectors(b.clock, c.clock) };
        expect(mergeSiblings(ab, c)).toEqual(mergeSiblings(a, bc));
      }),
      runs,
    );
  });

  test('is idempotent', () => {
    fc.assert(
      fc.property(actions, machine, machine, (steps, i, j) => {
        const world = worldAfter(steps);
        const [a, b] = [world.at(i), world.at(j)];
        if (a.siblings.length === 0 || b.siblings.length === 0) return;
        const once = { siblings: mergeSiblings(a, b), clock: joinVersionVectors(a.clock, b.clock) };
        expect(mergeSiblings(once, b)).toEqual(once.siblings);
        expect(mergeSiblings(once, once)).toEqual(once.siblings);
      }),
      runs,
    );
  });

  test('brings all machines to the same state, whatever the order of the exchanges', () => {
    fc.assert(
      fc.property(actions, (steps) => {
        const world = worldAfter(steps);
        world.settle();
        for (const { siblings, clock } of world.replicas) {
          expect(siblings).toEqual(world.at(0).siblings);
          expect(clock).toEqual(world.at(0).clock);
        }
      }),
      runs,
    );
  });

  test('loses no acknowledged write: each is a sibling, or replaced by a write that knew it', () => {
    fc.assert(
      fc.property(actions, (steps) => {
        const world = worldAfter(steps);
        world.settle();
        const { siblings } = world.at(0);
        for (const { version } of world.written) {
          const kept = siblings.some(({ dot }) => sameDot(dot, version.dot));
          const replaced = world.written.some(({ knew }) => covers(knew, version.dot));
          expect(kept).toBe(!replaced);
        }
      }),
      runs,
    );
  });

  test('never brings back what was deleted', () => {
    fc.assert(
      fc.property(actions, machine, (steps, last) => {
        const world = worldAfter(steps);
        world.settle();
        world.run([{ kind: 'write', at: last, state: 'deleted', text: 'z', time: 0 }]);
        // Old states of the others come back in any order; none of them knows the deletion.
        world.settle();
        for (const { siblings } of world.replicas) {
          expect(siblings.map(({ text }) => text)).toEqual(['z']);
          expect(currentVersion(siblings).state).toBe('deleted');
        }
      }),
      runs,
    );
  });
});

function version(rest: Partial<Version> & { machine?: string; n?: number } = {}): Version {
  const { machine: name = 'a', n = 1, ...content } = rest;
  return {
    dot: { machine: name, n },
    state: 'live',
    text: 'x',
    tags: [],
    source: '',
    metadata: {},
    createdAt: 0,
    updatedAt: 0,
    ...content,
  };
}

describe('currentVersion', () => {
  test('shows live before purged before deleted, then the later, then the greater machine', () => {
    const ranked = [
      version({ machine: 'c', updatedAt: 5 }),
      version({ machine: 'b', updatedAt: 5 }),
      version({ machine: 'z', updatedAt: 4 }),
      version({ machine: 'd', state: 'purged', updatedAt: 9 }),
      version({ machine: 'e', state: 'deleted', updatedAt: 9 }),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(ranked, { minLength: 1 }), (siblings) => {
        expect(currentVersion(siblings)).toBe(ranked.find((each) => siblings.includes(each)));
      }),
    );
  });

  test('refuses an empty list', () => {
    expect(() => currentVersion([])).toThrow(RangeError);
  });
});

describe('isConflict', () => {
  test('looks only at what a user sees', () => {
    const a = version({ metadata: { x: 1, y: 2 } });
    expect(isConflict([a, version({ machine: 'b', updatedAt: 9, metadata: { y: 2, x: 1 } })])).toBe(false);
    expect(isConflict([a, version({ machine: 'b', tags: ['t'] })])).toBe(true);
    expect(isConflict([a, version({ machine: 'b', state: 'deleted' })])).toBe(true);
    expect(
      isConflict([version({ state: 'deleted', text: 'p' }), version({ state: 'purged', text: '' })]),
    ).toBe(false);
  });
});

describe('clocks', () => {
  const clock = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 4 }));

  test('join to the least clock that includes both', () => {
    fc.assert(
      fc.property(clock, clock, (a, b) => {
        const joined = joinVersionVectors(a, b);
        expect(['equal', 'before']).toContain(compareVersionVectors(a, joined));
        expect(['equal', 'before']).toContain(compareVersionVectors(b, joined));
        for (const [name, n] of Object.entries(joined)) expect([a[name], b[name]]).toContain(n);
      }),
    );
  });

  test('compare to the mirror image when swapped', () => {
    const mirror = { equal: 'equal', before: 'after', after: 'before', concurrent: 'concurrent' } as const;
    fc.assert(
      fc.property(clock, clock, (a, b) => {
        expect(compareVersionVectors(b, a)).toBe(mirror[compareVersionVectors(a, b)]);
      }),
    );
  });
});

describe('canonicalJson', () => {
  test('gives equal values equal texts, and is JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(canonicalJson(reversed(value))).toBe(text);
      }),
    );
  });
});

/** The same value with the members of all objects in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}
