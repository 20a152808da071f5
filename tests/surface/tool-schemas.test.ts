import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { INSTRUCTIONS, tools } from '../../src/mcp/server.ts';
import { connectV1 } from '../helpers/mcp/clients.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';

/** What clients and the models behind them document that they take of a list of tools. */

type Schema = Readonly<Record<string, unknown>>;

interface ListedTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Schema;
}

/** As the documentation and the shapes of configuration call the server. */
const SERVER_NAMES = ['memory', 'faiss-memory'];

const listed: ListedTool[] = tools.map(({ name, description, inputSchema }) => ({
  name,
  description,
  inputSchema: inputSchema['~standard'].jsonSchema.input({ target: 'draft-2020-12' }),
}));

/** The schema and all schemas in it, with their place. */
function allSchemas(schema: Schema, repositoryId = ''): [string, Schema][] {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, Schema>);
  return [
    [repositoryId, schema],
    ...properties.flatMap(([name, member]) => allSchemas(member, `${repositoryId}.${name}`)),
    ...(schema['items'] === undefined ? [] : allSchemas(schema['items'] as Schema, `${repositoryId}[]`)),
  ];
}

function depthOf(schema: Schema): number {
  return Math.max(...allSchemas(schema).map(([repositoryId]) => repositoryId.split(/\.|\[/).length));
}

describe.each(listed)('$name', ({ name, description, inputSchema }) => {
  test('fits Gemini: its subset of keywords, and no object without properties', () => {
    const known = [
      'type',
      'format',
      'title',
      'description',
      'nullable',
      'enum',
      'items',
      'minItems',
      'maxItems',
    ];
    const more = [
      'properties',
      'required',
      'minimum',
      'maximum',
      'minLength',
      'maxLength',
      'pattern',
      'anyOf',
    ];
    for (const [repositoryId, schema] of allSchemas(inputSchema)) {
      for (const keyword of Object.keys(schema)) expect([...known, ...more], repositoryId).toContain(keyword);
      expect(['string', 'number', 'integer', 'boolean', 'array', 'object'], repositoryId).toContain(
        schema['type'],
      );
      const properties = Object.keys(schema['properties'] ?? {});
      expect(properties.length > 0, `${repositoryId} has properties`).toBe(schema['type'] === 'object');
      expect(schema['items'] !== undefined, `${repositoryId} has items`).toBe(schema['type'] === 'array');
      for (const field of (schema['required'] ?? []) as string[])
        expect(properties, repositoryId).toContain(field);
      if (schema['enum'] !== undefined) expect(schema['type'], repositoryId).toBe('string');
    }
  });

  test('fits OpenAI: names, the length of descriptions, valid JSON Schema with an object at its root', () => {
    expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(description.length).toBeLessThanOrEqual(1_024);
    expect(inputSchema['type']).toBe('object');
    expect(() => new Ajv2020({ strict: true }).compile(inputSchema)).not.toThrow();
  });

  test("fits OpenAI's strict mode as clients make it: closed objects, every field required", () => {
    const strict = allSchemas(inputSchema);
    const properties = strict.flatMap(([, schema]) => Object.keys((schema['properties'] ?? {}) as Schema));
    expect(properties.length).toBeLessThanOrEqual(100);
    expect(depthOf(inputSchema)).toBeLessThanOrEqual(5);
    for (const [repositoryId, schema] of strict) {
      // A client sets it to false, and refuses a schema that says otherwise.
      expect(schema, repositoryId).not.toHaveProperty('additionalProperties');
      for (const keyword of ['allOf', 'oneOf', 'not', 'if', 'patternProperties', 'default', '$ref']) {
        expect(schema, repositoryId).not.toHaveProperty(keyword);
      }
    }
  });

  test('fits Cursor, Claude and VS Code: names with that of the server, descriptions of 2 KB', () => {
    for (const server of SERVER_NAMES) {
      expect(`${server}:${name}`.length).toBeLessThanOrEqual(60);
      expect(`mcp__${server}__${name}`.length).toBeLessThanOrEqual(64);
    }
    expect(Buffer.byteLength(description)).toBeLessThanOrEqual(2_048);
  });
});

describe('the list of tools', () => {
  test('is short enough for clients that take forty, and the instructions for those that cut at 2 KB', () => {
    expect(listed.length).toBeLessThanOrEqual(40);
    expect(Buffer.byteLength(INSTRUCTIONS)).toBeLessThanOrEqual(2_048);
  });
});

describe('a client that must fill every field', () => {
  let filled: Record<string, Record<string, unknown>>;
  beforeAll(() => {
    filled = Object.fromEntries(
      listed.map(({ name, inputSchema }) => [name, emptyValue(inputSchema) as object]),
    ) as typeof filled;
  });

  test('is understood by every tool, and changes nothing by what it left empty', async () => {
    const { call } = await connectV1(temporaryFolder());
    const added = await call('memory_add', {
      ...filled['memory_add'],
      text: 'Ada likes tea',
      tags: ['drinks'],
      on_duplicate: 'add',
    });
    const [{ id }] = added.data['results'] as [{ id: string }];
    const wanted: [string, Record<string, unknown>][] = [
      ['memory_search', { query: 'tea', limit: 5, mode: 'keyword' }],
      ['memory_get', { ids: [id] }],
      ['memory_list', { limit: 5 }],
      ['memory_update', { id, text: 'Ada likes milk', add_tags: ['more'] }],
      ['memory_update', { id, text: 'Ada likes cold milk' }],
      ['memory_stats', { limit: 5 }],
      ['sync_status', {}],
      ['sync_upload', {}],
      ['memory_delete', { ids: [id], dry_run: true }],
    ];
    for (const [tool, values] of wanted) {
      const answer = await call(tool, { ...filled[tool], ...values });
      expect(answer.isError, `${tool}: ${answer.text}`).toBe(false);
      if (tool === 'memory_search') expect(answer.data['hits']).toMatchObject([{ id }]);
      if (tool === 'memory_list') expect(answer.data['memories']).toMatchObject([{ id }]);
    }
    const read = async (): Promise<unknown> => (await call('memory_get', { ids: [id] })).data['memories'];
    expect(await read()).toMatchObject([{ text: 'Ada likes cold milk', tags: ['drinks', 'more'] }]);
    expect(JSON.stringify(await read())).not.toContain('project');
    await call('memory_update', { id, tags: [] });
    expect(await read()).not.toMatchObject([{ tags: ['drinks', 'more'] }]);
  });

  test('finds by a project that it left empty in metadata', async () => {
    const { call } = await connectV1(temporaryFolder());
    await call('memory_add', { text: 'The ferry leaves at noon', metadata: { project: 'harbour', page: 1 } });
    const find = async (project: string | null): Promise<unknown> => {
      const values = { query: 'ferry', mode: 'keyword', metadata: { project } };
      return (await call('memory_search', values)).data['hits'];
    };
    for (const project of ['', null, 'harbour']) expect(await find(project), String(project)).toHaveLength(1);
    expect(await find('other')).toEqual([]);
  });
});

/** What a model writes that has nothing to say. */
function emptyValue(schema: Schema): unknown {
  switch (schema['type']) {
    case 'object':
      return Object.fromEntries(
        Object.entries((schema['properties'] ?? {}) as Record<string, Schema>).map(([name, member]) => [
          name,
          emptyValue(member),
        ]),
      );
    case 'array':
      return [];
    case 'boolean':
      return false;
    case 'integer':
      return null;
    default:
      return '';
  }
}
