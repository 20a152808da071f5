import type { JsonSchema } from '../api/input.ts';
import { pathFields, type Route } from './route.ts';
import { PROBLEM_TYPE } from './problem.ts';
import { transferPaths } from './routes/transfer-routes.ts';
import { serverPaths } from './server-operations.ts';
import { eventStreamContent } from './stream-progress.ts';

type Node = Readonly<Record<string, unknown>>;
/** All but the answers. */
type RouteFacts = Omit<Route, 'prepare'>;

const TAGS = ['Memories', 'Backups', 'Sync', 'Team', 'Server'] as const;

/** Problems that every route may answer with. */
const COMMON_PROBLEMS = [400, 401, 403, 413, 415, 429, 500];

/** The REST API as OpenAPI 3.1, made from the schemas that check the requests. */
export function openApiDocument(routes: readonly RouteFacts[], version: string): Node {
  const paths = new Map<string, Record<string, Node>>(Object.entries(transferPaths));
  for (const route of routes) {
    const operations = paths.get(route.path) ?? {};
    paths.set(route.path, { ...operations, [route.method.toLowerCase()]: operation(route) });
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'faiss-memory',
      version,
      description:
        'Long-term memory for AI assistants. What is empty is absent in answers. Errors are problem+json with a stable code and, where something can be done, a fix. MCP is at /mcp.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }, { apiKey: [] }, {}],
    tags: TAGS.filter((name) => name === 'Server' || routes.some(({ group }) => group === name)).map(
      (name) => ({ name }),
    ),
    paths: { ...Object.fromEntries(paths), ...serverPaths },
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
      schemas: { Problem: PROBLEM_SCHEMA },
      responses: {
        Problem: { description: 'What went wrong, and what to do about it', content: PROBLEM_CONTENT },
      },
    },
  };
}

function operation(route: RouteFacts): Node {
  const { properties, required } = membersOf(route.inputSchema());
  const inPath = pathFields(route.path);
  const hasBody = route.method === 'POST' || route.method === 'PATCH';
  const others = Object.keys(properties).filter((name) => !inPath.includes(name));
  const inQuery = hasBody ? (route.inQuery ?? []) : others;
  const parameters = [
    ...inPath.map((name) => parameter(name, 'path', { schema: nonEmpty(properties[name]), required: true })),
    ...inQuery.map((name) =>
      parameter(name, 'query', { schema: properties[name], required: !hasBody && required.includes(name) }),
    ),
  ];
  return {
    operationId: route.name,
    tags: [route.group],
    summary: route.summary,
    ...(route.details === undefined ? {} : { description: route.details }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(hasBody && others.length > 0 ? { requestBody: bodyOf(route.inputSchema(), others) } : {}),
    responses: responsesOf(route),
  };
}

function parameter(
  name: string,
  place: 'path' | 'query',
  { schema, required }: { readonly schema: unknown; readonly required: boolean },
): Node {
  const isObject = (schema as Node | undefined)?.['type'] === 'object';
  // An object in the query is written as JSON.
  const form = isObject ? { content: { 'application/json': { schema } } } : { schema };
  return { name, in: place, required, ...form };
}

function nonEmpty(schema: unknown): Node {
  return { ...(schema as Node), minLength: 1 };
}

function bodyOf(schema: JsonSchema, names: readonly string[]): Node {
  const { properties, required } = membersOf(schema);
  const kept = required.filter((name) => names.includes(name));
  return {
    required: kept.length > 0,
    content: {
      'application/json': {
        schema: {
          type: 'object',
          properties: Object.fromEntries(names.map((name) => [name, properties[name]])),
          ...(kept.length === 0 ? {} : { required: kept }),
          additionalProperties: false,
        },
      },
    },
  };
}

function responsesOf({ status, long, access, problems = [], outputSchema }: RouteFacts): Node {
  const answer = { 'application/json': { schema: outputSchema() } };
  const events = long ? eventStreamContent : {};
  // A stream begins before anything was made.
  const successes =
    status === 200
      ? { 200: done({ ...answer, ...events }) }
      : { [status]: done(answer), ...(long ? { 200: done(events) } : {}) };
  // The disk may be full, and a call that is not long may time out.
  const others = [...(access === 'write' ? [507] : []), ...(long ? [] : [503])];
  const statuses = [...new Set([...COMMON_PROBLEMS, ...problems, ...others])].sort();
  return {
    ...successes,
    ...Object.fromEntries(statuses.map((code) => [code, { $ref: '#/components/responses/Problem' }])),
  };
}

function done(content: Node): Node {
  return { description: 'Done', content };
}

function membersOf(schema: JsonSchema): {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
} {
  // Schemas of objects that we made ourselves.
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, unknown>;
    required?: string[];
  };
  return { properties, required };
}

const PROBLEM_SCHEMA = {
  type: 'object',
  description: 'RFC 9457, with a stable code and the fix',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What happened' },
    code: { type: 'string', description: 'Stable; listed in docs/troubleshooting.md' },
    fix: { type: 'string', description: 'What to do about it' },
    retryable: { type: 'boolean' },
    request_id: { type: 'string', description: 'Names the entry in the log of the server' },
    dry_run: { type: 'object', description: 'With CONFIRMATION_NEEDED: what would happen' },
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'retryable', 'request_id'],
};

const PROBLEM_CONTENT = { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } };
