import type { Chrono, ParsedComponents, ParsedResult } from 'chrono-node';
import type { TimeSpan, TimeZone } from './time-zone.ts';

/** A period that a text speaks of. `start` may be -Infinity and `end` Infinity. */
export interface SpokenPeriod extends TimeSpan {
  /** The words that name it, as they stand in the text. */
  readonly phrase: string;
}

export interface Moment {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly zone: TimeZone;
}

/** A question has its time near its beginning or its end; a text that is longer is no question. */
const MAX_LENGTH = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MINUTE_MS = 60_000;

/**
 * The period that a question speaks of: "yesterday", "last week", "in March", "since the release on 3 May", in the
 * languages below. Words such as "may" or "second", numbers of versions and times of day alone are no period.
 * @returns undefined when it names none, or more than one that do not belong together
 */
export async function spokenPeriod(text: string, moment: Moment): Promise<SpokenPeriod | undefined> {
  if (text.length > MAX_LENGTH) return undefined;
  const period = spokenMonth(text, moment) ?? (await parsedPeriod(text, moment));
  return period === undefined ? undefined : openEnded(period, text, moment);
}

type Load = () => Promise<{ readonly casual: Chrono }>;

interface Language {
  /** Whether the text may speak of a time in this language; loading the library for every question takes too long. */
  readonly hint: RegExp;
  /** Also needed, where a word of `hint` means something else in another language. */
  readonly also?: RegExp;
  readonly load: Load;
}

const LANGUAGES: readonly Language[] = [
  {
    hint: /\b(?:yesterday|today|tomorrow|tonight|ago|last|past|this|next|previous|(?:mon|tues|wednes|thurs|fri|satur|sun)day|\d{1,2}(?:st|nd|rd|th)?\s(?:of\s)?[a-z]{3}|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.? \d{1,2}|\d{4}-\d{2}|\d{1,2}\/\d{1,2}\/\d{2})/i,
    load: async () => import('chrono-node/en'),
  },
  {
    hint: /\b(?:vor)?gestern\b|\b(?:heute|morgen|letzte|vergangene|vorige|diese|nächste)|\bvor \p{L}*\d*|\b\p{L}+tag\b|\d\.\s?\p{L}/iu,
    load: async () => import('chrono-node/de'),
  },
  {
    hint: /\b(?:avant-)?hier\b|aujourd|\bdemain\b|derni[eè]r|pass[ée]e?\b|\bil y a\b|\b(?:lun|mar|mercre|jeu|vendre|same)di\b|\bdimanche\b|\d (?:janv|févr|mars|avr|mai|juin|juil|août|sept|oct|nov|déc)/i,
    also: /(?:^|[\s'’])(?:les|la|une|des|du|que|qui|quoi|nous|est|avec|pour|avons|dans|sur|depuis|au|aux)(?=$|[\s'’?])|(?:[cdjln]|qu)['’]|^\S+\s*\??$/i,
    load: async () => import('chrono-node/fr'),
  },
  {
    hint: /\b(?:ayer|anteayer|hoy|mañana|pasad[oa]|hace|lunes|martes|miércoles|jueves|viernes|sábado|domingo)\b|\d de \p{L}/iu,
    load: async () => import('chrono-node/es'),
  },
  {
    hint: /\b(?:ieri|oggi|domani|scors[oa]|fa|lunedì|martedì|mercoledì|giovedì|venerdì|sabato|domenica)(?!\p{L})|\d (?:gen|feb|mar|apr|mag|giu|lug|ago|set|ott|nov|dic)/iu,
    load: async () => import('chrono-node/it'),
  },
  {
    hint: /\b(?:eergisteren|gisteren|vandaag|morgen|vorige?|afgelopen|geleden|(?:maan|dins|woens|donder|vrij|zater|zon)dag)\b/i,
    load: async () => import('chrono-node/nl'),
  },
  {
    hint: /\b(?:ontem|anteontem|hoje|amanhã|passad[oa]|atrás|segunda|terça|quarta|quinta|sexta|sábado|domingo)(?!\p{L})|\d de \p{L}/iu,
    load: async () => import('chrono-node/pt'),
  },
  { hint: /вчера|сегодня|завтра|назад|прошл|\d [а-я]{3}/i, load: async () => import('chrono-node/ru') },
  { hint: /[昨今明]日|\d月\d/, load: async () => import('chrono-node/ja') },
  { hint: /[昨今明前]天|上周|上個|上个|\d月\d/, load: async () => (await import('chrono-node/zh')).hans },
];

async function parsedPeriod(text: string, moment: Moment): Promise<SpokenPeriod | undefined> {
  for (const { hint, also, load } of LANGUAGES) {
    if (!hint.test(text) || also?.test(text) === false) continue;
    const { casual } = await load();
    const reference = { instant: new Date(moment.now), timezone: offsetMinutes(moment) };
    const periods = casual.parse(text, reference).flatMap((result) => periodOf(result, moment) ?? []);
    const whole = joined(periods, text);
    if (whole !== undefined) return whole;
  }
  return undefined;
}

/** The difference of the zone's clocks to UTC now. */
function offsetMinutes({ now, zone }: Moment): number {
  const shown = Date.parse(`${zone.minute(now).replace(' ', 'T')}:00Z`);
  return Math.round((shown - now) / MINUTE_MS);
}

interface Found extends SpokenPeriod {
  readonly index: number;
}

/** Two periods are one range ("between 3 May and 5 May"); more are none. */
function joined(periods: readonly Found[], text: string): Found | undefined {
  const [first, second, ...more] = periods;
  if (first === undefined || second === undefined) return first;
  if (more.length > 0 || second.start < first.start) return undefined;
  const end = second.index + second.phrase.length;
  return { ...first, end: second.end, phrase: text.slice(first.index, end) };
}

/** Words for periods in the languages above. */
const UNITS: readonly (readonly [unit: 'week' | 'month' | 'year', words: RegExp])[] = [
  ['week', /week|woche|semaine|semana|settiman|недел|周|週/i],
  ['month', /month|monat|mois|\bmes(?:es)?\b|\bmes[ei]\b|maand|m[eê]s|месяц|月前|个月|個月/i],
  ['year', /year|jahr|\bann?[ée]?es?\b|\bans?\b|año|\bann[oi]\b|jaar|\bano?s?\b|\bгод|лет|年前/i],
];

function periodOf(result: ParsedResult, moment: Moment): Found | undefined {
  const { start, end, text: phrase, index } = result;
  if (!isTold(result)) return undefined;
  const first = spanOf(start, result, moment);
  const last = end == null ? first : spanOf(end, result, moment);
  const counts =
    /\p{N}|couple|few|several/u.test(phrase) ||
    /\b(?:past|last|letzten|derniers|derni[eè]res|últim[oa]s|ultim[ie])\s+\p{L}+\s+\p{L}/iu.test(phrase);
  const reachesToNow = counts && REACHING.test(phrase) && first.start < moment.now;
  return { phrase, index, start: first.start, end: reachesToNow ? moment.now : last.end };
}

/** "the last 3 days" reach until now; "3 days ago" do not. */
const REACHING = /\b(?:past|last|letzten|vergangenen|derni[eè]re?s|últim[oa]s|ultim[ie]|afgelopen)\b/i;

/** A month or a time of day alone, and a short name of a weekday ("the sun"), are too often something else. */
function isTold({ start, text: phrase }: ParsedResult): boolean {
  if (/^(?:now|jetzt|maintenant|ahora|ora|agora|nu|sun|sat|mar|second)$/i.test(phrase)) return false;
  if (/^\d{1,2}[/.]\d{1,2}$/.test(phrase)) return false;
  const relative =
    start.tags().has('result/relativeDate') ||
    [...start.tags()].some((tag) => tag.startsWith('casualReference'));
  if (relative || start.isCertain('day') || start.isCertain('weekday')) return true;
  return UNITS.some(([, words]) => words.test(phrase));
}

function spanOf(components: ParsedComponents, { text: phrase }: ParsedResult, moment: Moment): TimeSpan {
  const { zone, now } = moment;
  const [year = 1970, month = 1, day = 1] = (['year', 'month', 'day'] as const).map(
    (name) => components.get(name) ?? 1,
  );
  const unit = UNITS.find(([, words]) => words.test(phrase))?.[0];
  const isRough = unit !== undefined && !components.isCertain('hour');
  if (components.isCertain('hour') && components.tags().has('result/relativeDateAndTime')) {
    const time = zone.first(
      Date.UTC(year, month - 1, day, components.get('hour') ?? 0, components.get('minute') ?? 0),
    );
    return { start: time - HOUR_MS, end: time + HOUR_MS };
  }
  if (isRough && unit === 'year') return days(Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1), zone);
  if (isRough && unit === 'month') return monthOf(year, month, zone);
  if (isRough) return weekOf(Date.UTC(year, month - 1, day), zone);
  return dayOf(components, { year, month, day }, { now, zone });
}

interface CalendarDay {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** A day without its year, or a weekday, is the last one: memories are of the past. */
function dayOf(
  components: ParsedComponents,
  { year, month, day }: CalendarDay,
  { now, zone }: Moment,
): TimeSpan {
  const span = (local: number): TimeSpan => days(local, local + DAY_MS, zone);
  const local = Date.UTC(year, month - 1, day);
  const found = span(local);
  if (found.start <= now) return found;
  if (components.isCertain('day') && !components.isCertain('year')) {
    const lastYear = Date.UTC(year - 1, month - 1, day);
    return span(lastYear).start <= now ? span(lastYear) : span(Date.UTC(year - 2, month - 1, day));
  }
  return components.isCertain('weekday') && !components.isCertain('day') ? span(local - 7 * DAY_MS) : found;
}

/** From one midnight of wall clocks to the other. */
function days(from: number, until: number, zone: TimeZone): TimeSpan {
  return { start: zone.first(from), end: zone.last(until - 1) };
}

function weekOf(local: number, zone: TimeZone): TimeSpan {
  const monday = local - ((new Date(local).getUTCDay() + 6) % 7) * DAY_MS;
  return days(monday, monday + 7 * DAY_MS, zone);
}

function monthOf(year: number, month: number, zone: TimeZone): TimeSpan {
  return days(Date.UTC(year, month - 1, 1), Date.UTC(year, month, 1), zone);
}

const MONTH_LANGUAGES = ['en', 'de', 'fr', 'es', 'it', 'nl', 'pt', 'sv', 'da', 'fi', 'pl'];
/** Before a month in these languages. Without one of them or a year, a month is too often a name or another word. */
const IN =
  /(?:^|\s)(?:in|im|en|em|a|i|au mois (?:de |d['’])|during|since|from|after|before|until|seit|ab|nach|vor|bis|depuis|après|avant|desde|dal|da|sinds|vanaf|of|for|w)\s+$/iu;
let months: ReadonlyMap<string, number> | undefined;

/** Month numbers by their names, which the system knows in every language. */
function monthNames(): ReadonlyMap<string, number> {
  months ??= new Map(
    MONTH_LANGUAGES.flatMap((language) => {
      const format = new Intl.DateTimeFormat(language, { month: 'long', timeZone: 'UTC' });
      return Array.from({ length: 12 }, (_, index): [string, number] => [
        format.format(Date.UTC(2024, index, 15)).toLowerCase(),
        index + 1,
      ]);
    }),
  );
  return months;
}

/** "in March", "March 2023", "in 2023": a whole month or year. The library finds them in some languages only. */
function spokenMonth(text: string, moment: Moment): SpokenPeriod | undefined {
  for (const match of text.matchAll(
    /(?<!\p{L})(\p{L}{3,10})(?:\s+(?:de |of )?((?:19|20)\d{2}))?(?![\p{L}\p{N}])/gu,
  )) {
    const [phrase, word = '', year] = match;
    const month = monthNames().get(word.toLowerCase());
    const before = text.slice(0, match.index);
    if (month === undefined || /\d[.\s]*(?:st|nd|rd|th|de|of|-)?\s*$/i.test(before)) continue;
    // A day, or a second month, behind it is for the library.
    if (/^\s*(?:\d|(?:to|bis|until|and|-)\s)/i.test(text.slice(match.index + phrase.length))) continue;
    if (year === undefined && !IN.test(before)) continue;
    const span = year === undefined ? lastMonth(month, moment) : monthOf(Number(year), month, moment.zone);
    return { ...span, phrase };
  }
  const [, year] =
    /(?:^|\s)(?:in|im jahr|en|em|nel|since|seit|depuis|desde|before|after|during|until)\s+((?:19|20)\d{2})(?![-/.:\p{N}\p{L}])/iu.exec(
      text,
    ) ?? [];
  if (year === undefined) return undefined;
  return {
    ...days(Date.UTC(Number(year), 0, 1), Date.UTC(Number(year) + 1, 0, 1), moment.zone),
    phrase: year,
  };
}

function lastMonth(month: number, { now, zone }: Moment): TimeSpan {
  const year = Number(zone.day(now).slice(0, 4));
  const thisYear = monthOf(year, month, zone);
  return thisYear.start <= now ? thisYear : monthOf(year - 1, month, zone);
}

/** Up to five words may stand between ("since the release on 3 May"). */
const SINCE =
  /(?<!\p{L})(?:since|after|from|seit|nach|ab|depuis|après|desde|después de|dal|dopo|sinds|vanaf|с)(?:\s+[\p{L}'’]+){0,5}\s*$/iu;
const UNTIL =
  /(?<!\p{L})(?:before|until|till|by|bis|avant|jusqu['’]\p{L}+|antes de|hasta|prima del?|fino a|voor|до)(?:\s+(?:the|dem|zum|el|le|il|de))?\s*$/iu;

function openEnded(period: SpokenPeriod, text: string, { now }: Moment): SpokenPeriod {
  const before = text.slice(0, text.indexOf(period.phrase));
  const since = SINCE.exec(before)?.[0];
  if (since !== undefined && period.start <= now && !isRange(period, text))
    return { ...period, end: Infinity, phrase: `${since.trimStart()}${period.phrase}` };
  const until = UNTIL.exec(before)?.[0];
  if (until !== undefined)
    return { ...period, start: -Infinity, end: period.end, phrase: `${until.trimStart()}${period.phrase}` };
  return period;
}

/** "from March to April" has its end. */
function isRange({ phrase }: SpokenPeriod, text: string): boolean {
  const behind = text.slice(text.indexOf(phrase) + phrase.length);
  return (
    /\s(?:to|until|till|and|bis|und|à|al?|hasta|tot|e|до)\s/i.test(phrase) ||
    /^\s+(?:to|until|bis)\s/i.test(behind)
  );
}
