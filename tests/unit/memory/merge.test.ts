import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonicalJson,
  type VersionVector,
  compareVersionVectors,
  covers,
  includesMore,
  joinVersionVectors,
  type MergedMemory,
  mergeMemory,
  sameDot,
  type Version,
  type VersionState,
} from '../../../src/memory/version.ts';

/** One memory on one machine, with every write that the machine has ever known: the oracle. */
interface Side {
  readonly siblings: readonly Version[];
  readonly clock: VersionVector;
  /** Dots of all known writes, each with the dots that it replaced. */
  readonly writes: ReadonlyMap<string, readonly string[]>;
}

const NOTHING: Side = { siblings: [], clock: {}, writes: new Map() };
const MACHINES = ['aaaa', 'bbbb', 'cccc'];

type Step =
  | { readonly kind: 'write'; readonly on: number; readonly state: VersionState }
  | { readonly kind: 'strip'; readonly on: number }
  | { readonly kind: 'merge'; readonly on: number; readonly from: number };

const machine = fc.nat({ max: MACHINES.length - 1 });
const step = fc.oneof<fc.Arbitrary<Step>[]>(
  fc.record({ kind: fc.constant('write'), on: machine, state: fc.constantFrom('live', 'deleted', 'purged') }),
  fc.record({ kind: fc.constant('strip'), on: machine }),
  fc.record({ kind: fc.constant('merge'), on: machine, from: machine }),
);

/** Three machines after any history in which every dot names one write. */
const sides = fc.array(step, { maxLength: 24 }).map((steps) => {
  const all = MACHINES.map(() => NOTHING);
  for (const [time, { on, ...rest }] of steps.entries()) {
    const side = all[on] ?? NOTHING;
    if (rest.kind === 'write')
      all[on] = write(side, { machine: MACHINES[on] ?? '', state: rest.state, time });
    if (rest.kind === 'strip') all[on] = { ...side, siblings: side.siblings.map(strip) };
    if (rest.kind === 'merge') all[on] = join(side, all[rest.from] ?? NOTHING);
  }
  return all;
});

const threeSides = sides.map(([a = NOTHING, b = NOTHING, c = NOTHING]) => ({ a, b, c }));

function createVersion(dotOf: string, n: number, rest: Partial<Version> = {}): Version {
  const content = { text: '', tags: [], source: '', metadata: {}, createdAt: 0, updatedAt: 0 };
  return { dot: { machine: dotOf, n }, state: 'live', ...content, ...rest };
}

function write(side: Side, by: { machine: string; state: VersionState; time: number }): Side {
  const n = (side.clock[by.machine] ?? 0) + 1;
  const text = by.state === 'purged' ? '' : `${by.machine} ${n}`;
  const version = createVersion(by.machine, n, { state: by.state, text, updatedAt: by.time });
  const replaced = side.siblings.map(nameOf);
  return {
    siblings: [version],
    clock: { ...side.clock, [by.machine]: n },
    writes: new Map(side.writes).set(nameOf(version), replaced),
  };
}

function strip(version: Version): Version {
  return version.state === 'deleted' ? { ...version, state: 'stripped', text: '' } : version;
}

function join(into: Side, from: Side): Side {
  const clock = joinVersionVectors(into.clock, from.clock);
  const writes = new Map([...into.writes, ...from.writes]);
  if (from.siblings.length === 0) return { ...into, clock, writes };
  const { siblings, homeless } = merge(into, from);
  expect(homeless).toEqual([]);
  return { siblings, clock, writes };
}

function merge(local: Omit<Side, 'writes'>, remote: Omit<Side, 'writes'>): MergedMemory<Version> {
  return mergeMemory({
    local: local.siblings,
    localClock: local.clock,
    remote: remote.siblings,
    remoteClock: remote.clock,
  });
}

function nameOf({ dot }: Version): string {
  return `${dot.machine}:${dot.n}`;
}

function texts(versions: readonly Version[]): string[] {
  return versions.map(({ text }) => text).sort();
}

describe('when every dot names one write', () => {
  test('the merge is commutative', () => {
    fc.assert(
      fc.property(threeSides, ({ a, b }) => {
        expect(join(a, b)).toEqual(join(b, a));
      }),
    );
  });

  test('the merge is associative', () => {
    fc.assert(
      fc.property(threeSides, ({ a, b, c }) => {
        expect(join(join(a, b), c)).toEqual(join(a, join(b, c)));
      }),
    );
  });

  test('the merge is idempotent', () => {
    fc.assert(
      fc.property(threeSides, ({ a, b }) => {
        const once = join(a, b);
        expect(join(a, a)).toEqual(a);
        expect(join(once, b)).toEqual(once);
        expect(join(once, once)).toEqual(once);
      }),
    );
  });

  test('what stays is every known write that no known write replaced', () => {
    fc.assert(
      fc.property(threeSides, ({ a, b }) => {
        const { siblings, writes } = join(a, b);
        const replaced = new Set([...writes.values()].flat());
        expect(siblings.map(nameOf)).toEqual([...writes.keys()].filter((name) => !replaced.has(name)).sort());
      }),
    );
  });

  test('content that was stripped on one side is stripped', () => {
    fc.assert(
      fc.property(threeSides, ({ a, b }) => {
        const stripped = [...a.siblings, ...b.siblings].filter(({ state }) => state === 'stripped');
        for (const version of join(a, b).siblings) {
          if (stripped.some(({ dot }) => sameDot(dot, version.dot))) expect(version.state).toBe('stripped');
        }
      }),
    );
  });
});

/** Sides that no honest history explains: dots used twice, clocks that cover what they do not include. */
const version = fc
  .record({
    dot: fc.record({ machine: fc.constantFrom(...MACHINES), n: fc.integer({ min: 1, max: 3 }) }),
    state: fc.constantFrom<VersionState>('live', 'deleted', 'stripped', 'purged'),
    text: fc.constantFrom('one', 'two', 'three'),
    updatedAt: fc.nat({ max: 3 }),
  })
  .map(({ dot, text, ...rest }) => {
    const gone = rest.state === 'stripped' || rest.state === 'purged';
    return createVersion(dot.machine, dot.n, { ...rest, text: gone ? '' : text });
  });
const anyside = fc
  .record({
    siblings: fc.uniqueArray(version, { minLength: 1, maxLength: 3, selector: nameOf }),
    more: fc.dictionary(fc.constantFrom(...MACHINES), fc.integer({ min: 1, max: 4 })),
  })
  .map(({ siblings, more }) => {
    const own = siblings.reduce<VersionVector>(
      (clock, { dot }) => joinVersionVectors(clock, { [dot.machine]: dot.n }),
      {},
    );
    return { siblings, clock: joinVersionVectors(own, more) };
  });

describe('whatever the two sides are', () => {
  test('something stays, under distinct dots, and nothing is invented', () => {
    fc.assert(
      fc.property(anyside, anyside, (local, remote) => {
        const { siblings, homeless } = merge(local, remote);
        expect(siblings.length).toBeGreaterThan(0);
        expect(new Set(siblings.map(nameOf)).size).toBe(siblings.length);
        const known = [...local.siblings, ...remote.siblings].map(canonicalJson);
        for (const kept of [...siblings, ...homeless]) expect(known).toContain(canonicalJson(kept));
      }),
    );
  });

  test('a version goes only when the other side knew its dot and has it no more', () => {
    fc.assert(
      fc.property(anyside, anyside, (local, remote) => {
        const result = merge(local, remote);
        const kept = [...result.siblings, ...result.homeless];
        for (const [side, other] of [
          [local, remote],
          [remote, local],
        ] as const) {
          for (const gone of side.siblings) {
            if (kept.some(({ text, state }) => text === gone.text && state === gone.state)) continue;
            const twin = other.siblings.find(({ dot }) => sameDot(dot, gone.dot));
            if (twin === undefined) expect(covers(other.clock, gone.dot)).toBe(true);
            else {
              expect(twin).toMatchObject({ state: 'stripped' });
              if (gone.state !== 'stripped') {
                expect(gone).toMatchObject({ state: 'deleted', updatedAt: twin.updatedAt });
              }
            }
          }
        }
      }),
    );
  });

  test('both sides choose the same of two contents under one dot', () => {
    fc.assert(
      fc.property(anyside, anyside, (local, remote) => {
        const here = merge(local, remote);
        const there = merge(remote, local);
        for (const { dot } of local.siblings) {
          if (!remote.siblings.some((other) => sameDot(other.dot, dot))) continue;
          const find = (list: readonly Version[]): Version | undefined =>
            list.find((kept) => sameDot(kept.dot, dot));
          expect(find(here.siblings)).toEqual(find(there.siblings));
        }
      }),
    );
  });
});

describe('a dot that two writes have', () => {
  test('both contents stay, one of them without a name', () => {
    const local = { siblings: [createVersion('aaaa', 3, { text: 'here' })], clock: { aaaa: 3 } };
    const remote = { siblings: [createVersion('aaaa', 3, { text: 'there' })], clock: { aaaa: 3 } };
    for (const { siblings, homeless } of [merge(local, remote), merge(remote, local)]) {
      expect(texts(siblings)).toEqual(['here']);
      expect(texts(homeless)).toEqual(['there']);
    }
  });

  test('a stripped one does not swallow the live content of another write', () => {
    const local = { siblings: [createVersion('aaaa', 3, { state: 'stripped' })], clock: { aaaa: 3 } };
    const remote = { siblings: [createVersion('aaaa', 3, { text: 'there' })], clock: { aaaa: 3 } };
    for (const { siblings, homeless } of [merge(local, remote), merge(remote, local)]) {
      expect(siblings.map(({ state }) => state)).toEqual(['stripped']);
      expect(texts(homeless)).toEqual(['there']);
    }
  });

  test('a content that got a name of its own already does not get another one', () => {
    const named = createVersion('bbbb', 1, { text: 'there' });
    const local = {
      siblings: [createVersion('aaaa', 3, { text: 'here' }), named],
      clock: { aaaa: 3, bbbb: 1 },
    };
    const remote = { siblings: [createVersion('aaaa', 3, { text: 'there' })], clock: { aaaa: 3 } };
    expect(merge(local, remote)).toEqual({ siblings: local.siblings, homeless: [] });
  });

  test('two sides that each seem to have replaced the other both stay', () => {
    const local = { siblings: [createVersion('aaaa', 2, { text: 'here' })], clock: { aaaa: 3 } };
    const remote = { siblings: [createVersion('aaaa', 3, { text: 'there' })], clock: { aaaa: 3 } };
    const { siblings, homeless } = merge(local, remote);
    expect([texts(siblings), texts(homeless)]).toEqual([['here'], ['there']]);
  });

  test('a memory that only the other side has is taken although the clock covers it', () => {
    const remote = { siblings: [createVersion('aaaa', 2, { text: 'there' })], clock: { aaaa: 2 } };
    expect(merge({ siblings: [], clock: { aaaa: 9 } }, remote).siblings).toEqual(remote.siblings);
  });
});

test('a version vector includes more than another one when it is after it, or concurrent', () => {
  const vector = fc.dictionary(fc.constantFrom(...MACHINES), fc.integer({ min: 1, max: 3 }));
  fc.assert(
    fc.property(vector, vector, (a, b) => {
      const order = compareVersionVectors(a, b);
      expect(includesMore(a, b)).toBe(order === 'after' || order === 'concurrent');
    }),
  );
});
