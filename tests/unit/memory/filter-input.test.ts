import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../../src/errors/invalid-input-error.ts';
import { parseFilter } from '../../../src/memory/filter-input.ts';

const NOW = Date.parse('2026-05-10T12:00:00Z');

describe('parseFilter', () => {
  it('takes nothing, and empty conditions, as no filter', () => {
    expect(parseFilter(undefined, NOW)).toEqual({});
    expect(parseFilter({ tags: [], source: '', after: '' }, NOW)).toEqual({});
  });

  it('makes the project a condition on metadata', () => {
    expect(parseFilter({ project: 'billing', metadata: { kind: 'decision' } }, NOW)).toEqual({
      metadata: { kind: 'decision', project: 'billing' },
    });
  });

  it('includes the whole of a last day', () => {
    expect(parseFilter({ after: '2026-05-01', before: '2026-05-01' }, NOW)).toEqual({
      createdAfter: Date.parse('2026-05-01T00:00:00.000Z'),
      createdBefore: Date.parse('2026-05-01T23:59:59.999Z'),
    });
  });

  it('reads times and ages', () => {
    expect(parseFilter({ after: '2026-05-01T10:00:00+02:00' }, NOW)).toEqual({
      createdAfter: Date.parse('2026-05-01T08:00:00Z'),
    });
    expect(parseFilter({ after: '2w' }, NOW)).toEqual({ createdAfter: NOW - 14 * 86_400_000 });
  });

  it.each(['yesterday', '2026-13-01', '7 days', '1e3d', '2026'])(
    'refuses %j and says what is allowed',
    (after) => {
      expect(() => parseFilter({ after }, NOW)).toThrow(InvalidInputError);
      expect(() => parseFilter({ after }, NOW)).toThrow(/filter\.after is .*allowed is an ISO 8601 date/);
    },
  );
});
