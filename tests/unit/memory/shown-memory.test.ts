import { expect, test } from 'vitest';
import { largePart, shownMemory } from '../../../src/memory/shown-memory.ts';
import type { JsonValue } from '../../../src/memory/version.ts';

const content = { text: 'short', tags: ['a'], source: 's', metadata: {}, createdAt: 1, updatedAt: 1 };

function nested(levels: number): JsonValue {
  return levels === 0 ? 1 : { a: nested(levels - 1) };
}

test('what may be added here is shown as it is', () => {
  const largest = {
    ...content,
    text: 'x'.repeat(100),
    tags: Array.from({ length: 64 }, (_, index) => `${index}`.padEnd(128, '.')),
    source: 's'.repeat(1_024),
    metadata: { a: nested(20) },
  };
  expect(largePart(largest, 100)).toBeNull();
  expect(shownMemory(largest, 100)).toBe(largest);
});

test.each([
  ['text', { text: 'x'.repeat(101) }, 'a text of 101 characters, more than 100'],
  ['tags', { tags: Array.from({ length: 65 }, (_, index) => `${index}`) }, '65 tags, more than 64'],
  ['tag', { tags: ['t'.repeat(129)] }, 'a tag of 129 characters'],
  ['source', { source: 's'.repeat(1_025) }, 'a source of 1025 characters'],
  ['metadata', { metadata: { a: 'm'.repeat(16_400) } }, 'metadata of 16408 characters'],
  ['depth', { metadata: { a: nested(21) } }, 'metadata nested deeper than 20 levels'],
])('%s that is too large is named, and shown cut', (_, large, part) => {
  const memory = { ...content, ...large };
  expect(largePart(memory, 100)).toContain(part);
  const shown = shownMemory(memory, 100);
  expect(JSON.stringify(shown).length).toBeLessThan(2_000);
  expect(shown).not.toBe(memory);
});

test('a cut never halves a character', () => {
  const { text } = shownMemory({ ...content, text: `${'x'.repeat(99)}🎉${'y'.repeat(9)}` }, 100);
  expect(text.isWellFormed()).toBe(true);
  expect(text).toContain('[cut: 110 characters; "faiss-memory export" has all of it]');
});
