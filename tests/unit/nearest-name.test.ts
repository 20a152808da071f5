import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nearestName } from '../../src/util/text.ts';

describe('nearestName', () => {
  test.each([
    ['serach', 'search'],
    ['Search', 'search'],
    ['lst', 'list'],
    ['exprot', 'export'],
    ['xyzzy', undefined],
    ['', undefined],
  ])('%j → %j', (name, expected) => {
    expect(nearestName(name, ['search', 'list', 'export', 'import'])).toBe(expected);
  });

  test('finds an exact candidate among any others', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), fc.nat(), (names, pick) => {
        const name = names[pick % names.length] ?? '';
        expect(nearestName(name, names)?.toLowerCase()).toBe(name.toLowerCase());
      }),
    );
  });
});
