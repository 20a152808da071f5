import { startOfDay } from './days.ts';

/** The filters of the list. An empty field allows any value. Times are days: `YYYY-MM-DD`. */
export interface Filter {
  readonly kind: '' | 'fact' | 'conversation';
  readonly tags: string;
  readonly source: string;
  /** `*` = all projects alike. */
  readonly project: string;
  readonly after: string;
  readonly before: string;
  /** When it was true or happened. */
  readonly occurredAfter: string;
  readonly occurredBefore: string;
}

export const NO_FILTER: Filter = {
  ...{ kind: '' as const, tags: '', source: '', project: '', after: '', before: '' },
  ...{ occurredAfter: '', occurredBefore: '' },
};

/** The filters that are set, as members of a JSON body. */
export function conditionsOf({
  kind,
  tags,
  source,
  project,
  after,
  before,
  occurredAfter,
  occurredBefore,
}: Filter): Record<string, string | string[]> {
  // A list, because the server would split a text at its commas.
  const list = tags === '' ? {} : { tags: [tags] };
  const end = { daysLater: 1, milliseconds: -1 };
  const times = {
    after: startOfDay(after),
    before: startOfDay(before, end),
    occurred_after: startOfDay(occurredAfter),
    occurred_before: startOfDay(occurredBefore, end),
  };
  return { ...withoutEmpty({ kind, source, project, ...times }), ...list };
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
      ...{ tags: read('tags'), source: read('source'), project: read('project') },
      ...{ after: read('after'), before: read('before') },
      ...{ occurredAfter: read('occurredAfter'), occurredBefore: read('occurredBefore') },
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
