type Node = Readonly<Record<string, unknown>>;

const problem: Node = { $ref: '#/components/responses/Problem' };

const flagObject = (name: string): Node => ({
  type: 'object',
  properties: { [name]: { type: 'boolean' } },
  required: [name],
});

function serverPath(operationId: string, summary: string, responses: Node): Node {
  return {
    get: {
      operationId,
      tags: ['Server'],
      summary,
      security: [{}],
      responses: { ...responses, 403: problem, 429: problem },
    },
  };
}

function json(description: string, schema: Node): Node {
  return { description, content: { 'application/json': { schema } } };
}

function part(description: string, states: readonly string[], more: Node = {}): Node {
  return {
    type: 'object',
    description,
    properties: { status: { enum: states }, ...more },
    required: ['status'],
  };
}

const count: Node = { type: 'integer', minimum: 0 };

const HEALTH: Node = {
  type: 'object',
  properties: {
    status: {
      enum: ['ok', 'degraded', 'unavailable'],
      description: 'degraded: it answers, but slowly, refuses requests, or without the database',
    },
    live: { type: 'boolean' },
    ready: { type: 'boolean' },
    store: part(
      'The memories, or the index of them. All parts are told only to callers with a token.',
      ['ok', 'slow', 'loading', 'starting', 'stopping', 'unavailable'],
      { code: { type: 'string', description: 'Of the error, as in problems' } },
    ),
    database: part('With MEMORY_STORE=postgres', ['ok', 'unreachable'], {
      seconds_since_answer: {
        type: ['number', 'null'],
        description: 'The age of the index at most; null: never',
      },
      unread_entries: count,
      writes_under_way: count,
    }),
    model: part('Searches by words need none', ['ok', 'not_loaded', 'unavailable', 'off', 'unknown'], {
      without_vector: count,
    }),
    remote: part('As it was seen last', ['ok', 'unreachable', 'problem', 'off', 'unknown'], {
      last_push: { type: 'string', format: 'date-time' },
    }),
    requests: { type: 'object', properties: { running: count, waiting: count } },
  },
  required: ['status', 'live', 'ready'],
};

/** Health and metrics, as the OpenAPI document has them. */
export const serverPaths: Node = {
  '/health': serverPath('health', 'Whether the server lives and is ready, and the state of its parts', {
    200: json('It lives', HEALTH),
  }),
  '/health/live': serverPath('live', 'Answers while the process lives', {
    200: json('It lives', flagObject('live')),
  }),
  '/health/ready': serverPath('ready', 'Whether the memories can be read here', {
    200: json('Ready', flagObject('ready')),
    503: json(
      'Not ready: starting, stopping, still reading the database, or the store cannot be opened',
      flagObject('ready'),
    ),
  }),
  '/metrics': {
    get: {
      operationId: 'metrics',
      tags: ['Server'],
      summary: 'Metrics in the text format of Prometheus',
      responses: {
        200: { description: 'Metrics', content: { 'text/plain': { schema: { type: 'string' } } } },
        401: problem,
        403: problem,
        429: problem,
      },
    },
  },
};
