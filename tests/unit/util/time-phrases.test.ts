import { describe, expect, test } from 'vitest';
import { spokenPeriod } from '../../../src/util/time-phrases.ts';
import { TimeZone } from '../../../src/util/time-zone.ts';

/** A Sunday, 10:30 in Berlin. */
const now = Date.parse('2026-11-29T09:30:00Z');
const zone = new TimeZone('Europe/Berlin');

/** As days of the zone, for example `2026-11-28` or `2026-11-16 – 2026-11-22`; an open end is `…`. */
async function daysOf(text: string): Promise<string | undefined> {
  const period = await spokenPeriod(text, { now, zone });
  if (period === undefined) return undefined;
  const [from, to] = [period.start, period.end].map((time) => (Number.isFinite(time) ? zone.day(time) : '…'));
  return from === to ? from : `${from ?? ''} – ${to ?? ''}`;
}

describe('a period that is spoken of', () => {
  test.each([
    ['what did we decide yesterday', '2026-11-28'],
    ['what did I say today?', '2026-11-29'],
    ['the day before yesterday', '2026-11-27'],
    ['what happened last week', '2026-11-16 – 2026-11-22'],
    ['plans for this week', '2026-11-23 – 2026-11-29'],
    ['a week ago', '2026-11-16 – 2026-11-22'],
    ['last month', '2026-10-01 – 2026-10-31'],
    ['3 months ago', '2026-08-01 – 2026-08-31'],
    ['last year', '2025-01-01 – 2025-12-31'],
    ['over the last 3 days', '2026-11-26 – 2026-11-29'],
    ['on Friday', '2026-11-27'],
    ['what did Ada say on Wednesday', '2026-11-25'],
    ['in March', '2026-03-01 – 2026-03-31'],
    ['in December', '2025-12-01 – 2025-12-31'],
    ['what did we buy in May 2023?', '2023-05-01 – 2023-05-31'],
    ['decisions in 2024', '2024-01-01 – 2024-12-31'],
    ['since the release on 3 May', '2026-05-03 – …'],
    ['changes since March', '2026-03-01 – …'],
    ['everything before 2024-05-01', '… – 2024-05-01'],
    ['the incident of 2024-05-01', '2024-05-01'],
    ['on 7 May, 2023', '2023-05-07'],
    ['between 3 May and 5 May', '2026-05-03 – 2026-05-05'],
    ['was haben wir gestern beschlossen', '2026-11-28'],
    ['letzte Woche', '2026-11-16 – 2026-11-22'],
    ['im März', '2026-03-01 – 2026-03-31'],
    ['im Mai 2023', '2023-05-01 – 2023-05-31'],
    ['seit dem 3. Mai', '2026-05-03 – …'],
    ['vor 3 Tagen', '2026-11-26'],
    ['qu’avons-nous décidé hier', '2026-11-28'],
    ['la semaine dernière', '2026-11-16 – 2026-11-22'],
    ['en mars', '2026-03-01 – 2026-03-31'],
    ['qué dijo ayer', '2026-11-28'],
    ['en marzo', '2026-03-01 – 2026-03-31'],
    ['cosa ha detto ieri', '2026-11-28'],
    ['wat zei hij gisteren', '2026-11-28'],
    ['o que disse ontem', '2026-11-28'],
    ['что решили вчера', '2026-11-28'],
    ['昨日の会議', '2026-11-28'],
    ['昨天的会议', '2026-11-28'],
  ])('%s: %s', async (text, days) => {
    expect(await daysOf(text)).toBe(days);
  });

  test('two hours ago is that hour, more or less', async () => {
    const period = await spokenPeriod('what did I say two hours ago', { now, zone });
    expect(period).toMatchObject({ phrase: 'two hours ago' });
    expect([period?.start, period?.end]).toEqual([now - 3 * 3_600_000, now - 3_600_000]);
  });

  test('a day is that of the zone', async () => {
    const tokyo = new TimeZone('Asia/Tokyo');
    const late = Date.parse('2026-11-29T20:00:00Z');
    const period = await spokenPeriod('yesterday', { now: late, zone: tokyo });
    expect(new Date(period?.start ?? 0).toISOString()).toBe('2026-11-28T15:00:00.000Z');
  });
});

describe('no period', () => {
  test.each([
    'what may I use',
    'the sun is out',
    'march to the sea',
    'June likes tea',
    'April said no',
    'May',
    'server 10.0.0.5',
    'version 1.2.3 of the second attempt',
    'section 3.4, 5/6 of it',
    'at 5pm',
    'what is the current plan now',
    'was steht hier',
    'wat staat hier in de lijst',
    'the last decision',
    'port 8080 or 2023',
    'call 555-1234',
    'this is next to the other',
    `yesterday ${'x'.repeat(1_000)}`,
  ])('%s', async (text) => {
    expect(await daysOf(text)).toBeUndefined();
  });
});
