import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../../src/errors/input-errors.ts';
import { parseFilter } from '../../../src/memory/filter.ts';
import { TimeZone } from '../../../src/util/time-zone.ts';

const NOW = Date.parse('2026-05-10T12:00:00Z');
const CLOCK = { now: NOW, zone: new TimeZone('UTC') };

describe('parseFilter', () => {
  test('takes nothing, and empty conditions, as no filter', () => {
    expect(parseFilter(undefined, CLOCK)).toEqual({});
    expect(parseFilter({ tags: [], source: '', after: '' }, CLOCK)).toEqual({});
  });

  test('makes the project a condition on metadata', () => {
    expect(parseFilter({ project: 'billing', metadata: { kind: 'decision' } }, CLOCK)).toEqual({
      metadata: { kind: 'decision', project: 'billing' },
    });
  });

  test('reads conditions on the attributes of a memory', () => {
    const input = { kind: 'conversation', session: 's1', client: 'codex', pinned: false } as const;
    expect(parseFilter({ ...input, expired: 'any' }, CLOCK)).toEqual(input);
    expect(parseFilter({ expired: 'none' }, CLOCK)).toEqual({ unexpiredAt: NOW });
    expect(parseFilter({ expired: 'only' }, CLOCK)).toEqual({ expiredAt: NOW });
    expect(parseFilter({ occurredAfter: '2026-05-01', occurredBefore: '2026-05-01' }, CLOCK)).toEqual({
      occurredAfter: Date.parse('2026-05-01T00:00:00.000Z'),
      occurredBefore: Date.parse('2026-05-01T23:59:59.999Z'),
    });
    // Edges of other programs pass on whatever they are given.
    const wrong = { kind: 'chat' } as unknown as Parameters<typeof parseFilter>[0];
    expect(() => parseFilter(wrong, CLOCK)).toThrow(/filter\.kind is .*chat/);
  });

  test('includes the whole of a last day', () => {
    expect(parseFilter({ after: '2026-05-01', before: '2026-05-01' }, CLOCK)).toEqual({
      createdAfter: Date.parse('2026-05-01T00:00:00.000Z'),
      createdBefore: Date.parse('2026-05-01T23:59:59.999Z'),
    });
  });

  test('reads times and ages', () => {
    expect(parseFilter({ after: '2026-05-01T10:00:00+02:00' }, CLOCK)).toEqual({
      createdAfter: Date.parse('2026-05-01T08:00:00Z'),
    });
    expect(parseFilter({ after: '2w' }, CLOCK)).toEqual({ createdAfter: NOW - 14 * 86_400_000 });
  });

  test.each([
    'yesterday',
    '2026-13-01',
    '2026-02-30',
    '2025-02-29',
    '2026-04-31T10:00',
    '2026-02-30T10:00:00Z',
    '2026-01-31T25:00',
    '7 days',
    '1e3d',
    '2026',
  ])('refuses %j and says what is allowed', (after) => {
    expect(() => parseFilter({ after }, CLOCK)).toThrow(InvalidInputError);
    expect(() => parseFilter({ after }, CLOCK)).toThrow(/filter\.after is .*allowed is an ISO 8601 date/);
  });
});
