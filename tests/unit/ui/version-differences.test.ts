import { describe, expect, test } from 'vitest';
import type { Version } from '../../../src/ui/shared/types.ts';
import { differingFields, marksOf, stepsOf } from '../../../src/ui/shared/version-differences.ts';

const now = { text: 'a', tags: ['x', 'y'], source: 'wiki', metadata: { build: 1, place: { floor: 2 } } };

test('names the fields that differ', () => {
  const same = { ...now, metadata: { build: 1, place: { floor: 2 } } };
  expect(differingFields([now, same])).toEqual([]);
  expect(differingFields([now, { text: 'b' }])).toEqual(['text', 'tags', 'source', 'metadata']);
  expect(differingFields([{ text: 'a' }, { text: 'a', source: 'wiki' }])).toEqual(['source']);
  expect(differingFields([now, same, { ...now, text: 'b' }, { ...now, tags: ['x'] }])).toEqual([
    'text',
    'tags',
  ]);
  expect(differingFields([])).toEqual([]);
});

describe('marksOf', () => {
  test('marks what another version has not, or not so', () => {
    const other = {
      text: 'a',
      tags: ['y', 'z'],
      source: 'book',
      metadata: { build: 2, place: { floor: 2 } },
    };
    expect(marksOf(now, [other])).toEqual({
      tags: new Set(['x']),
      source: true,
      metadata: new Set(['build']),
    });
    expect(marksOf(now, [now, { text: 'a' }])).toEqual({
      tags: new Set(['x', 'y']),
      source: true,
      metadata: new Set(['build', 'place']),
    });
  });

  test('marks nothing of equal ones', () => {
    const none = { tags: new Set(), source: false, metadata: new Set() };
    expect(marksOf(now, [now])).toEqual(none);
    expect(marksOf(now, [])).toEqual(none);
  });
});

describe('stepsOf', () => {
  const at = '2026-06-15T12:00:00.000Z';
  const replaced = (text: string, more: Partial<Version> = {}): Version => ({
    role: 'replaced',
    updated: at,
    text,
    ...more,
  });
  const textsOf = (versions: Version[]) =>
    stepsOf({ id: '1', text: 'c', created: at, versions }).map(({ version, newer }) => [
      version.text,
      newer.text,
    ]);

  test('leaves out what a deletion and its undoing left', () => {
    const versions = [
      replaced('c', { state: 'deleted' }),
      replaced('c'),
      replaced('b'),
      replaced('b'),
      replaced('a'),
    ];
    expect(textsOf(versions)).toEqual([
      ['b', 'c'],
      ['a', 'b'],
    ]);
  });

  test('keeps a text that came back, and versions that differ in a tag only', () => {
    expect(textsOf([replaced('c', { tags: ['x'] }), replaced('b'), replaced('c')])).toEqual([
      ['c', 'c'],
      ['b', 'c'],
      ['c', 'b'],
    ]);
    expect(stepsOf({ id: '1', text: 'c', created: at })).toEqual([]);
  });
});
