import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  conditionsOf,
  NO_FILTER,
  parametersOf,
  queryOf,
  readParameters,
} from '../../../src/ui/shared/filter.ts';

test('has no condition where nothing is chosen', () => {
  expect(conditionsOf(NO_FILTER)).toEqual({});
  expect(queryOf(NO_FILTER)).toBe('');
  expect(parametersOf('', NO_FILTER)).toBe('');
});

test('sends a tag as a list, because it may have a comma', () => {
  const filter = { ...NO_FILTER, kind: 'fact' as const, tags: 'a,b', source: 'wiki' };
  expect(conditionsOf(filter)).toEqual({ kind: 'fact', source: 'wiki', tags: ['a,b'] });
  expect(new URLSearchParams(queryOf(filter)).get('tags')).toBe('["a,b"]');
});

test('reads from an address what was written into it', () => {
  const text = fc.string({ unit: 'grapheme' });
  const kind = fc.constantFrom('' as const, 'fact' as const, 'conversation' as const);
  const filters = fc.record({
    kind,
    ...{ tags: text, source: text, project: text },
    ...{ after: text, before: text, occurredAfter: text, occurredBefore: text },
  });
  fc.assert(
    fc.property(text, filters, (query, filter) => {
      expect(readParameters(parametersOf(query, filter))).toEqual({ query, filter });
    }),
  );
});
