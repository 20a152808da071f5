import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { defineRoute } from '../../../src/http/route.ts';
import { openApiDocument } from '../../../src/http/openapi.ts';
import { allRoutes } from '../../../src/http/build-app.ts';
import { type Operation, operationsOf } from '../../helpers/openapi/operations.ts';

const example = defineRoute({
  name: 'moveThing',
  method: 'POST',
  path: '/thing/{id}/move',
  group: 'Server',
  summary: 'Move a thing',
  access: 'write',
  input: z.strictObject({
    id: z.string(),
    to: z.string(),
    options: z.optional(z.record(z.string(), z.string())),
    confirm: z.optional(z.boolean()),
  }),
  inQuery: ['confirm'],
  output: z.object({ moved: z.boolean() }),
  long: true,
  status: 201,
  problems: [404],
  handle: () => Promise.resolve({ moved: true }),
});

const list = defineRoute({
  name: 'listThings',
  method: 'GET',
  path: '/thing',
  group: 'Server',
  summary: 'List things',
  access: 'read',
  input: z.strictObject({ limit: z.int(), metadata: z.optional(z.looseObject({})) }),
  output: z.object({ things: z.array(z.string()) }),
  handle: () => Promise.resolve({ things: [] }),
});

function described(route: typeof example): Operation {
  const found = operationsOf(openApiDocument([route], '1.2.3')).find(({ id }) => id === route.name);
  if (found === undefined) throw new Error('the route is not described');
  return found;
}

describe('openApiDocument', () => {
  test('tells where each field stands', () => {
    const { parameters, body, bodyRequired } = described(example);
    expect(parameters).toMatchObject([
      { name: 'id', in: 'path', required: true, schema: { type: 'string', minLength: 1 } },
      { name: 'confirm', in: 'query', required: false, schema: { type: 'boolean' } },
    ]);
    expect(Object.keys(body?.properties ?? {})).toEqual(['to', 'options', 'confirm']);
    expect([body?.required, bodyRequired]).toEqual([['to'], true]);
  });

  test('has all fields of a GET in its query, objects as JSON', () => {
    const { parameters, body } = described(list);
    expect(body).toBeUndefined();
    expect(parameters).toMatchObject([
      { name: 'limit', in: 'query', required: true, schema: { type: 'integer' } },
      { name: 'metadata', in: 'query', required: false, content: { 'application/json': {} } },
    ]);
  });

  test('describes the answers: done, as a stream, and every problem', () => {
    const { responses } = described(example);
    expect(Object.keys(responses)).toEqual(
      expect.arrayContaining(['200', '201', '400', '401', '403', '404', '413', '429', '500', '507']),
    );
    expect(Object.keys(responses['201'] ?? {})).toEqual(['application/json']);
    expect(Object.keys(responses['200'] ?? {})).toEqual(['text/event-stream']);
    expect(Object.keys(described(list).responses)).not.toContain('507');
  });

  test('is made of the routes that are mounted, each with a name of its own', () => {
    const document = openApiDocument(allRoutes, '1.2.3');
    expect(document['info']).toMatchObject({ version: '1.2.3' });
    const operations = operationsOf(document);
    const names = operations.map(({ id }) => id);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, method, path } of allRoutes) {
      expect(operations).toContainEqual(expect.objectContaining({ id: name, method, path }));
    }
  });

  test('has no gaps, and no paths of the machine that made it', () => {
    expect(JSON.stringify(openApiDocument(allRoutes, '1.2.3'))).not.toMatch(/undefined|\/home\/|file:/);
  });
});
