import { InvalidInputError, RequestRefusedError } from '../errors/input-errors.ts';
import { type JsonProblem, NOT_UTF8, readJson } from '../api/bounded-json.ts';
import { propertiesOf } from '../api/input.ts';
import { pathFields, type Route } from './define-route.ts';
import type { HttpContext } from './http-environment.ts';

type Fields = Record<string, unknown>;

/** Gathers the fields of a request from its path, query and body, unchecked. */
export async function readRequest(context: HttpContext, route: Route): Promise<Fields> {
  const query = readQuery(context);
  const hasBody = route.method === 'POST' || route.method === 'PATCH';
  if (hasBody) {
    // Proxies and caches add fields of their own, which are ignored like every unknown one.
    const known = propertiesOf(route.inputSchema());
    const misplaced = Object.keys(query).find(
      (name) => Object.hasOwn(known, name) && route.inQuery?.includes(name) !== true,
    );
    if (misplaced !== undefined) {
      throw new InvalidInputError(misplaced, 'stands in the query', 'send it in the JSON body');
    }
  }
  const body = hasBody ? await readBody(context) : {};
  const path = Object.fromEntries(pathFields(route.path).map((name) => [name, context.req.param(name)]));
  return { ...query, ...body, ...path };
}

/** The fields in the query, unchecked; one that occurs several times is a list. */
export function readQuery({ req }: HttpContext): Fields {
  return Object.fromEntries(
    Object.entries(req.queries()).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );
}

/** An absent body has no fields. */
async function readBody({ req }: HttpContext): Promise<object> {
  const bytes = await req.arrayBuffer();
  const type = req.header('content-type') ?? '';
  const encoding = req.header('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') throw unsupported(`compressed with ${encoding}`);
  const [reading, second] = readJson(new Uint8Array(bytes));
  if (reading === undefined) return {};
  if (!/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type)) throw unsupported(`"${type}"`);
  if (reading === NOT_UTF8) throw unsupported('not UTF-8');
  if (!('value' in reading)) throw noObject(reading);
  if (second !== undefined) throw noObject({ problem: 'is no JSON' });
  const { value } = reading;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw noObject({ problem: 'is no JSON object' });
  }
  return value;
}

function noObject({ problem, fix, tooMuch }: Partial<JsonProblem> & { problem: string }): InvalidInputError {
  const allowed = 'allowed is an object such as {"text": "…"}';
  return new InvalidInputError('body', problem, tooMuch === undefined ? allowed : (fix ?? allowed));
}

function unsupported(what: string): RequestRefusedError {
  return new RequestRefusedError('UNSUPPORTED_MEDIA_TYPE', `The body is ${what.slice(0, 100)}`, {
    fix: 'Send JSON in UTF-8, not compressed, with the header "Content-Type: application/json".',
  });
}
