import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { expect, test } from 'vitest';
import type { Memory } from '../../../src/memory/memory.ts';
import type { MemoryApi } from '../../../src/memory/memory-api.ts';
import { BRIEF_TOKENS, briefFor } from '../../../src/recall/brief.ts';
import { TimeZone } from '../../../src/util/time-zone.ts';

const DAY_MS = 86_400_000;

function fact(index: number, text: string, metadata: Memory['metadata'] = {}): Memory {
  return {
    ...{ id: `0190a0b0-0000-7000-8000-${String(index).padStart(12, '0')}`, text, metadata },
    ...{ tags: [], source: '', createdAt: index * DAY_MS, updatedAt: index * DAY_MS, state: 'live' },
    ...{ dot: { machine: 'm', n: index }, versionCount: 1, conflict: false },
  };
}

/** Lists as the service does, as far as the brief asks. */
function listing(facts: readonly Memory[]): Pick<MemoryApi, 'list' | 'timeZone'> {
  return {
    timeZone: new TimeZone('UTC'),
    list: ({ filter = {}, limit }) => {
      const memories = facts
        .filter(({ metadata }) => filter.pinned === undefined || metadata['pinned'] === filter.pinned)
        .toSorted((a, b) => b.createdAt - a.createdAt)
        .slice(0, limit);
      return Promise.resolve({ memories, total: memories.length });
    },
  };
}

function pinned(count: number, textOf: (index: number) => string): Memory[] {
  return Array.from({ length: count }, (_, index) => fact(index + 1, textOf(index), { pinned: true }));
}

test.each([
  ['short ones', (index: number) => `Rule ${index}`],
  [
    'long ones',
    (index: number) => `Rule ${index} of the house says: ${'knock before you enter. '.repeat(20)}`,
  ],
  ['long ones without spaces', (index: number) => `規則${index}${'部屋に入る前にノックする。'.repeat(20)}`],
])('20 pinned facts are always in the brief: %s', async (_, textOf) => {
  const old = pinned(20, textOf);
  const newer = Array.from({ length: 400 }, (_unused, index) =>
    fact(1_000 + index, `The user likes ${index}`),
  );
  const brief = await briefFor(listing([...old, ...newer]), null);
  for (const { text } of old) expect(brief).toContain(text.slice(0, 5));
  expect(brief.split('\n').indexOf('## Pinned')).toBe(1);
  expect(encode(brief).length).toBeLessThanOrEqual(BRIEF_TOKENS);
});

test('a few pinned facts leave room for the others, and those of another project are left out', async () => {
  const memories = [
    fact(1, 'Deploy on Fridays never', { pinned: true }),
    fact(2, 'Use tabs', { pinned: true, project: 'other' }),
    fact(3, 'The user likes tea'),
  ];
  const brief = await briefFor(listing(memories), 'here');
  expect(brief).toContain('Deploy on Fridays never');
  expect(brief).toContain('The user likes tea');
  expect(brief).not.toContain('Use tabs');
});
