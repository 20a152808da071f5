import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isTimeZone, readTime, TimeZone } from '../../../src/util/time-zone.ts';

const HOUR = 3_600_000;

function spanOf(text: string, zone: string): string {
  const span = readTime(text, new TimeZone(zone));
  return span === undefined ? 'none' : `${iso(span.start)} ${iso(span.end)}`;
}

function iso(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z');
}

describe('a day', () => {
  test.each([
    ['UTC', '2026-02-01', '2026-02-01T00:00:00Z 2026-02-01T23:59:59.999Z'],
    ['Asia/Tokyo', '2026-02-01', '2026-01-31T15:00:00Z 2026-02-01T14:59:59.999Z'],
    ['Asia/Kathmandu', '2026-02-01', '2026-01-31T18:15:00Z 2026-02-01T18:14:59.999Z'],
    ['America/St_Johns', '2026-02-01', '2026-02-01T03:30:00Z 2026-02-02T03:29:59.999Z'],
    ['Pacific/Kiritimati', '2026-02-01', '2026-01-31T10:00:00Z 2026-02-01T09:59:59.999Z'],
    ['Europe/Berlin', '2026-03-29', '2026-03-28T23:00:00Z 2026-03-29T21:59:59.999Z'],
    ['Europe/Berlin', '2026-10-25', '2026-10-24T22:00:00Z 2026-10-25T22:59:59.999Z'],
    ['Australia/Lord_Howe', '2026-04-05', '2026-04-04T13:00:00Z 2026-04-05T13:29:59.999Z'],
    // Midnight is left out.
    ['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00Z 2018-11-05T01:59:59.999Z'],
    // An hour before midnight comes twice.
    ['America/Sao_Paulo', '2018-02-17', '2018-02-17T02:00:00Z 2018-02-18T02:59:59.999Z'],
    // The clock went back from 0:01, so the day before ends after the day began.
    ['America/St_Johns', '2010-11-06', '2010-11-06T02:30:00Z 2010-11-07T03:29:59.999Z'],
    ['America/St_Johns', '2010-11-07', '2010-11-07T02:30:00Z 2010-11-08T03:29:59.999Z'],
  ])('in %s is %s: %s', (zone, day, span) => {
    expect(spanOf(day, zone)).toBe(span);
  });

  test('that a zone left out is empty', () => {
    const span = readTime('2011-12-30', new TimeZone('Pacific/Apia'));
    expect(span?.end).toBe((span?.start ?? 0) - 1);
    expect(spanOf('2011-12-31', 'Pacific/Apia')).toBe('2011-12-30T10:00:00Z 2011-12-31T09:59:59.999Z');
    expect(spanOf('2011-12-29', 'Pacific/Apia')).toBe('2011-12-29T10:00:00Z 2011-12-30T09:59:59.999Z');
  });

  test.each([
    '2026-02-30',
    '2025-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-02-30T10:00Z',
    '2026-02-01T24:30',
  ])('is not %s', (text) => {
    expect(spanOf(text, 'UTC')).toBe('none');
  });

  const zones = [
    'UTC',
    'Asia/Tokyo',
    'America/St_Johns',
    'Pacific/Apia',
    'Asia/Kathmandu',
    'America/New_York',
  ];

  test('that is shown finds the memory by a filter', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: Date.UTC(1975, 0, 1), max: Date.UTC(2050, 0, 1) }),
        (name, time) => {
          const zone = new TimeZone(name);
          const span = readTime(zone.day(time), zone);
          expect(span !== undefined && span.start <= time && time <= span.end).toBe(true);
          if (span !== undefined) expect(zone.day(span.start)).toBe(zone.day(span.end));
        },
      ),
    );
  });
});

describe('a time', () => {
  test('with an offset is the same in every zone', () => {
    for (const zone of ['UTC', 'Asia/Tokyo'])
      expect(spanOf('2026-01-31T15:30:00+01:00', zone)).toBe('2026-01-31T14:30:00Z 2026-01-31T14:30:00Z');
  });

  test('without one is a time of the zone, which can come twice', () => {
    expect(spanOf('2026-01-31T12:00', 'Asia/Tokyo')).toBe('2026-01-31T03:00:00Z 2026-01-31T03:00:00Z');
    expect(spanOf('2026-10-25 02:30', 'Europe/Berlin')).toBe('2026-10-25T00:30:00Z 2026-10-25T01:30:00Z');
  });

  test('is shown as the clock on the wall', () => {
    const zone = new TimeZone('America/New_York');
    expect(zone.minute(Date.UTC(2026, 6, 1, 3, 5))).toBe('2026-06-30 23:05');
    expect(zone.minute(Date.UTC(2026, 6, 1, 3, 5) - 4_000 * HOUR)).toBe('2026-01-15 06:05');
  });
});

describe('isTimeZone', () => {
  test.each(['Europe/Berlin', 'UTC', 'asia/tokyo'])('takes %s', (name) => {
    expect(isTimeZone(name)).toBe(true);
  });
  test.each(['Mars/Olympus', 'Berlin', '', 'Europe/'])('refuses %j', (name) => {
    expect(isTimeZone(name)).toBe(false);
  });
});
