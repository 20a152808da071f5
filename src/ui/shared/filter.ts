/** The filters of the list. An empty field allows any value. `after` and `before` are days: `YYYY-MM-DD`. */
export interface Filter {
  readonly kind: '' | 'fact' | 'conversation';
  readonly tags: string;
  readonly source: string;
  readonly after: string;
  readonly before: string;
}

export const NO_FILTER: Filter = { kind: '', tags: '', source: '', after: '', before: '' };

/** The filters that are set, as members of a JSON body. */
export function conditionsOf({
  kind,
  tags,
  source,
  after,
  before,
}: Filter): Record<string, string | string[]> {
  // A list, because the server would split a text at its commas.
  const list = tags === '' ? {} : { tags: [tags] };
  const times = { after: startOfDay(after, 0, 0), before: startOfDay(before, 1, -1) };
  return { ...withoutEmpty({ kind, source, ...times }), ...list };
}

/**
 * The exact time of the beginning of a day in the browser's time zone, which may differ from the server's. The end of a
 * day is the moment before the next one begins, because a day can have 23 or 25 hours.
 */
function startOfDay(day: string, daysLater: number, milliseconds: number): string {
  const [year, month, date] = day.split('-').map(Number);
  if (year === undefined || month === undefined || date === undefined) return '';
  const start = new Date(2000, 0, 1);
  start.setFullYear(year, month - 1, date + daysLater);
  const at = new Date(start.getTime() + milliseconds);
  return Number.isNaN(at.getTime()) ? '' : at.toISOString();
}

/** The filters that are set, as the query of a URL. */
export function queryOf(filter: Filter): string {
  const texts = Object.entries(conditionsOf(filter)).map(([name, value]): [string, string] => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return new URLSearchParams(texts).toString();
}

/** Query and filters as the parameters in the address of the page. */
export function parametersOf(query: string, filter: Filter): string {
  return new URLSearchParams(withoutEmpty({ query, ...filter })).toString();
}

export function readParameters(parameters: string): { readonly query: string; readonly filter: Filter } {
  const given = new URLSearchParams(parameters);
  const read = (name: string): string => given.get(name) ?? '';
  return {
    query: read('query'),
    filter: {
      kind: toKind(read('kind')),
      tags: read('tags'),
      source: read('source'),
      after: read('after'),
      before: read('before'),
    },
  };
}

/** Any other text allows both. */
export function toKind(text: string): Filter['kind'] {
  return text === 'fact' || text === 'conversation' ? text : '';
}

function withoutEmpty(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== ''));
}
