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

/** Health and metrics, as the OpenAPI document has them. */
export const serverPaths: Node = {
  '/health': serverPath('health', 'Whether the server lives, and is ready', {
    200: json('It lives', {
      type: 'object',
      properties: {
        status: { enum: ['ok', 'unavailable'] },
        live: { type: 'boolean' },
        ready: { type: 'boolean' },
      },
      required: ['status', 'live', 'ready'],
    }),
  }),
  '/health/live': serverPath('live', 'Answers while the process lives', {
    200: json('It lives', flagObject('live')),
  }),
  '/health/ready': serverPath('ready', 'Whether the memories can be used', {
    200: json('Ready', flagObject('ready')),
    503: json('Not ready: starting, stopping, or the store cannot be opened', flagObject('ready')),
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
