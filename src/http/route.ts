import type * as z from 'zod/mini';
import { type JsonProblem, NOT_UTF8, readJson } from '../api/bounded-json.ts';
import { ignoredData, type JsonSchema, lazySchema, propertiesOf, readInput } from '../api/input.ts';
import type { Access, Services } from '../api/services.ts';
import type { WorkOptions } from '../backup/backup-api.ts';
import { InvalidInputError, RequestRefusedError } from '../errors/input-errors.ts';
import type { HttpContext } from './http-environment.ts';

export type RouteGroup = 'Memories' | 'Backups' | 'Sync' | 'Team' | 'Server';
export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
export type RouteData = Readonly<Record<string, unknown>>;

/** One operation of the REST API: its call and its effect. */
export interface RouteDeclaration<Input extends z.ZodMiniObject, Provided = Services> {
  /** Unique; the OpenAPI operationId. */
  readonly name: string;
  readonly method: Method;
  /** As OpenAPI writes it; parameters are fields of the input: `/memory/{id}`. */
  readonly path: string;
  readonly group: RouteGroup;
  /** One line for the reference. */
  readonly summary: string;
  readonly details?: string;
  readonly access: Access;
  /** The parameter at the end of the path may have slashes. */
  readonly slashes?: boolean;
  /** All fields, wherever they stand: in the path, in the query (GET, DELETE), in the body (POST, PATCH). */
  readonly input: Input;
  /** Fields of a body that may also stand in the query. */
  readonly inQuery?: readonly string[];
  readonly output: z.ZodMiniObject;
  /** Default 200. */
  readonly status?: 200 | 201;
  /** Its caller will probably search soon: the page opens with it. */
  readonly leadsToSearch?: boolean;
  /** Takes long: sends progress to callers that accept an event stream, and ends when they go away. */
  readonly long?: boolean;
  /** Statuses of problems that a right call may bring, beside 400 and those of every route. */
  readonly problems?: readonly number[];
  readonly handle: (services: Provided, input: z.infer<Input>, work: WorkOptions) => Promise<RouteData>;
}

/** A request whose input was checked. */
export type PreparedRequest<Provided = Services> = (
  services: Provided,
  work: WorkOptions,
) => Promise<RouteData>;

/** An operation ready to be mounted. @typeParam Provided the services of its handler */
export interface Route<Provided = Services> extends Omit<
  RouteDeclaration<z.ZodMiniObject>,
  'input' | 'output' | 'handle' | 'status' | 'long'
> {
  readonly status: 200 | 201;
  readonly long: boolean;
  readonly inputSchema: () => JsonSchema;
  readonly outputSchema: () => JsonSchema;
  /** @throws InvalidInputError naming the field, the value and the allowed values */
  readonly prepare: (raw: unknown) => PreparedRequest<Provided>;
}

export function defineRoute<Input extends z.ZodMiniObject, Provided = Services>(
  declaration: RouteDeclaration<Input, Provided>,
): Route<Provided> {
  const { input, output, handle, status = 200, long = false, ...facts } = declaration;
  const inputSchema = lazySchema(input);
  return {
    ...facts,
    status,
    long,
    inputSchema,
    outputSchema: lazySchema(output),
    prepare(raw) {
      const { input: checked, ignored } = readInput(input, inputSchema(), raw);
      return async (services, work) => ({
        ...(await handle(services, checked, work)),
        ...ignoredData(ignored),
      });
    },
  };
}

/** Names of the parameters in a path. */
export function pathFields(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
}

type Fields = Record<string, unknown>;

/** Gathers the fields of a request from its path, query and body, unchecked. */
export async function readRequest<Provided>(context: HttpContext, route: Route<Provided>): Promise<Fields> {
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
