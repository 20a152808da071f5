import fc from 'fast-check';
import type { RawRequest } from '../raw-request.ts';
import type { Operation, Parameter } from './operations.ts';
import { hostileBody, hostileJson, type KnownValues, validValue } from './values.ts';

/** Parameters and members of the body; the values are JSON. */
interface Draft {
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, string>>;
}

/** Requests that fit the description of an operation. */
export function validRequests(operation: Operation, known: KnownValues): fc.Arbitrary<RawRequest> {
  return drafts(operation, known).map((draft) => toRequest(operation, draft));
}

/** Requests with one thing wrong, or many. */
export function hostileRequests(operation: Operation, known: KnownValues): fc.Arbitrary<RawRequest> {
  const { method, body, parameters } = operation;
  const valid = drafts(operation, known);
  const names = [...Object.keys(body?.properties ?? {}), ...parameters.map(({ name }) => name)];
  const someName = names.length === 0 ? fc.constant('x') : fc.constantFrom(...names, '__proto__', 'unknown');
  const changed = fc.tuple(valid, fc.array(fc.tuple(someName, hostileJson), { minLength: 1, maxLength: 3 }));
  return fc.oneof(
    {
      weight: 4,
      arbitrary: changed.map(([draft, changes]) => toRequest(operation, change(operation, draft, changes))),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(valid, hostileBody).map(([draft, text]) => ({
        ...toRequest(operation, draft),
        ...(method === 'GET' ? {} : { body: text }),
      })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(valid, hostileQuery(someName))
        .map(([draft, query]) => withQuery(toRequest(operation, draft), query)),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(valid, hostileHeaders).map(([draft, headers]) => {
        const request = toRequest(operation, draft);
        return { ...request, headers: { ...request.headers, ...headers } };
      }),
    },
  );
}

function drafts({ parameters, body }: Operation, known: KnownValues): fc.Arbitrary<Draft> {
  const values = (list: readonly Parameter[]): fc.Arbitrary<Record<string, string>> =>
    fc.record(
      Object.fromEntries(list.map(({ name, schema }) => [name, validValue(schema, name, known).map(toJson)])),
      { requiredKeys: list.filter(({ required }) => required).map(({ name }) => name) },
    );
  const members = Object.entries(body?.properties ?? {}).map(([name, schema]) => {
    const required = body?.required?.includes(name) ?? false;
    return { name, in: 'query' as const, required, schema };
  });
  return fc.record({ parameters: values(parameters), body: values(members) });
}

function toJson(value: unknown): string {
  return JSON.stringify(value);
}

function change(
  { body, parameters }: Operation,
  draft: Draft,
  changes: readonly (readonly [string, string])[],
): Draft {
  const inBody = changes.filter(([name]) => body !== undefined && !isParameter(parameters, name));
  const others = changes.filter(([name]) => isParameter(parameters, name) || body === undefined);
  return {
    parameters: { ...draft.parameters, ...Object.fromEntries(others) },
    body: { ...draft.body, ...Object.fromEntries(inBody) },
  };
}

function isParameter(parameters: readonly Parameter[], name: string): boolean {
  return parameters.some((parameter) => parameter.name === name);
}

function hostileQuery(name: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const part = fc.oneof(
    fc.tuple(name, hostileJson).map(([key, json]) => `${key}=${plain(json)}&${key}=${plain(json)}`),
    fc.constantFrom(
      '%',
      '%zz=1',
      '=',
      '&&&',
      'limit[]=5',
      'limit=%F0%9F',
      '%00=%00',
      '__proto__[a]=1',
      'a+b=c+d',
      '?',
    ),
  );
  return fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('&'));
}

const hostileHeaders = fc.constantFrom<Record<string, string>[]>(
  { 'Content-Type': 'application/json; charset=utf-16' },
  { 'Content-Type': 'application/x-www-form-urlencoded' },
  { 'Content-Type': 'nonsense' },
  { 'Content-Encoding': 'gzip' },
  { Accept: 'image/png' },
  { Accept: 'text/event-stream;q=0' },
  { 'X-Request-Id': 'a'.repeat(300) },
  { 'If-None-Match': '*' },
  { Range: 'bytes=0-1' },
);

function withQuery(request: RawRequest, query: string): RawRequest {
  return { ...request, path: request.path + (request.path.includes('?') ? '&' : '?') + query };
}

function toRequest({ method, path, parameters, body, otherBody }: Operation, draft: Draft): RawRequest {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => plain(draft.parameters[name] ?? '""'));
  const query = Object.entries(draft.parameters)
    .filter(([name]) => parameters.find((parameter) => parameter.name === name)?.in !== 'path')
    .flatMap(([name, json]) => inQuery(name, json));
  const members = Object.entries(draft.body).map(([name, json]) => `${JSON.stringify(name)}:${json}`);
  return {
    method,
    path: query.length === 0 ? filled : `${filled}?${query.join('&')}`,
    ...(body === undefined
      ? {}
      : { headers: { 'Content-Type': 'application/json' }, body: `{${members.join()}}` }),
    ...(otherBody === undefined
      ? {}
      : { headers: { 'Content-Type': otherBody }, body: '{"text":"a line"}\n' }),
  };
}

/** A list is the same name several times, as OpenAPI has it. */
function inQuery(name: string, json: string): string[] {
  const value: unknown = json.length > 10_000 ? json : JSON.parse(json);
  return Array.isArray(value)
    ? value.map((item) => `${name}=${plain(JSON.stringify(item))}`)
    : [`${name}=${plain(json)}`];
}

/** A JSON value as it stands in an address: texts without quotes, and short enough for the line of a request. */
function plain(json: string): string {
  const text = json.startsWith('"') ? String(JSON.parse(json)) : json;
  // In a path `.` and `..` are steps, however they are written.
  const shown = /^\.{1,2}$/.test(text) ? `x${text}` : text;
  return encodeURIComponent(shown.slice(0, 300).toWellFormed());
}
