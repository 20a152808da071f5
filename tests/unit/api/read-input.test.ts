import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { InvalidInputError } from '../../../src/errors/input-errors.ts';
import { filterFields, flag, limit, metadata, tags, text } from '../../../src/api/fields.ts';
import { ignoredData, ignoredNote, readInput, toJsonSchema } from '../../../src/api/input.ts';

const schema = z.strictObject({
  query: z.string(),
  limit: limit(100, 5),
  exact: flag,
  tags,
  metadata,
  items: z.optional(z.array(z.strictObject({ text: z.string(), note: text() }))),
});
const json = toJsonSchema(schema);
const read = (raw: unknown): unknown => readInput(schema, json, raw).input;

function refusal(raw: unknown): string {
  try {
    read(raw);
  } catch (error) {
    if (error instanceof InvalidInputError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('readInput', () => {
  test.each<[string, object, object]>([
    ['a number as a text', { query: 'a', limit: ' 7 ' }, { query: 'a', limit: 7 }],
    ['a boolean as a text', { query: 'a', exact: 'True' }, { query: 'a', exact: true }],
    ['a list with commas', { query: 'a', tags: 'b, c,,d ' }, { query: 'a', tags: ['b', 'c', 'd'] }],
    ['one item for a list', { query: 'a', tags: 'b' }, { query: 'a', tags: ['b'] }],
    [
      'empty texts for whatever is optional',
      { query: 'a', limit: '', exact: ' ', tags: '', metadata: '', items: '' },
      { query: 'a' },
    ],
    ['an empty list for an object', { query: 'a', metadata: [] }, { query: 'a', metadata: {} }],
    [
      'empty collections where they mean nothing',
      { query: 'a', limit: [], exact: {}, tags: {}, items: [{ text: 'b', note: [] }] },
      { query: 'a', items: [{ text: 'b' }] },
    ],
    ['an empty list where it means something', { query: 'a', tags: [] }, { query: 'a', tags: [] }],
    ['an empty text where one is required', { query: '' }, { query: '' }],
    [
      'an empty text of an item',
      { query: 'a', items: [{ text: '', note: '' }] },
      { query: 'a', items: [{ text: '' }] },
    ],
    ['a list as a JSON text', { query: 'a', tags: '["b, c"]' }, { query: 'a', tags: ['b, c'] }],
    [
      'an opening bracket in a list with commas',
      { query: 'a', tags: '[b, c' },
      { query: 'a', tags: ['[b', 'c'] },
    ],
    ['an object as a JSON text', { query: 'a', metadata: '{"b":1}' }, { query: 'a', metadata: { b: 1 } }],
    [
      'objects as a JSON text',
      { query: 'a', items: '[{"text":"b"}]' },
      { query: 'a', items: [{ text: 'b' }] },
    ],
    [
      'null for absent',
      { query: 'a', limit: null, items: [{ text: 'b', note: null }] },
      { query: 'a', items: [{ text: 'b' }] },
    ],
    [
      'null as the value of a member of metadata',
      { query: 'a', metadata: { b: null } },
      { query: 'a', metadata: { b: null } },
    ],
    ['a text that looks like a number', { query: '7' }, { query: '7' }],
    ['a text that looks like JSON', { query: '[1]' }, { query: '[1]' }],
  ])('understands %s', (_, raw, understood) => {
    expect(read(raw)).toEqual(understood);
  });

  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'query is missing; allowed is a text'],
    ['another type', { query: 5 }, 'query is 5; allowed is a text'],
    ['no integer', { query: 'a', limit: 1.5 }, 'limit is 1.5; allowed is an integer from 1 to 100'],
    [
      'a number out of range',
      { query: 'a', limit: 101 },
      'limit is 101; allowed is an integer from 1 to 100',
    ],
    [
      'an infinite number',
      { query: 'a', limit: 'Infinity' },
      'limit is "Infinity"; allowed is an integer from 1 to 100',
    ],
    ['no boolean', { query: 'a', exact: 'yes' }, 'exact is "yes"; allowed is true or false'],
    ['an item of another type', { query: 'a', tags: ['b', 5] }, 'tags[1] is 5; allowed is a text'],
    ['an empty collection where a text is required', { query: [] }, 'query is []; allowed is a text'],
    [
      'a collection that is not empty',
      { query: 'a', limit: [5] },
      'limit is [5]; allowed is an integer from 1 to 100',
    ],
    ['no list', { query: 'a', tags: 5 }, 'tags is 5; allowed is a list of texts'],
    ['no object', { query: 'a', metadata: ['b'] }, 'metadata is ["b"]; allowed is a JSON object'],
    ['an incomplete item', { query: 'a', items: [{}] }, 'items[0].text is missing; allowed is a text'],
    ['no list of objects', { query: 'a', items: 'b' }, 'items is "b"; allowed is a list of objects'],
    [
      'a text for an object',
      { query: 'a', items: ['b'] },
      'items[0] is "b"; allowed is an object with text, note',
    ],
    [
      'an unknown field where one is missing',
      { question: 'a' },
      'question is an unknown field; query is missing; allowed are query, limit, exact, tags, metadata, items',
    ],
    [
      'a misspelt field',
      { qeury: 'a' },
      'qeury is an unknown field; allowed are query, limit, exact, tags, metadata, items; did you mean query?',
    ],
    [
      'a misspelt field of an item',
      { query: 'a', items: [{ text: 'b', nope: 1 }] },
      'items[0].nope is an unknown field; allowed are text, note; did you mean note?',
    ],
    [
      'arguments that are no object',
      [1],
      'arguments is [1]; allowed is an object with query, limit, exact, tags, metadata, items',
    ],
  ])('refuses %s with field, value and what is allowed', (_, raw, message) => {
    expect(refusal(raw)).toBe(message);
  });

  test('shows long values in part, and never half a character', () => {
    for (let length = 50; length < 60; length++) {
      const message = refusal({ query: 'a', limit: `${'x'.repeat(length)}${'🙂'.repeat(20)}` });
      expect(message.length).toBeLessThan(150);
      expect(message.isWellFormed()).toBe(true);
    }
  });

  test('returns what fits unchanged, and is its own fixed point', () => {
    const valid = fc.record(
      {
        query: fc.string(),
        limit: fc.integer({ min: 1, max: 100 }),
        exact: fc.boolean(),
        tags: fc.array(fc.string()),
        metadata: fc.dictionary(fc.string(), fc.jsonValue()),
        items: fc.array(
          fc.record({ text: fc.string(), note: fc.string({ minLength: 1 }) }, { requiredKeys: ['text'] }),
        ),
      },
      { requiredKeys: ['query'] },
    );
    fc.assert(
      fc.property(valid, (value) => {
        expect(JSON.stringify(read(value))).toBe(JSON.stringify(value));
      }),
    );
  });

  test('accepts or refuses anything at all, and fails in no other way', () => {
    fc.assert(
      fc.property(
        fc.anything(),
        fc.dictionary(fc.constantFrom('query', 'limit', 'tags', 'items', 'x'), fc.jsonValue()),
        (anything, values) => {
          for (const raw of [anything, values])
            expect(refusal(raw)).toMatch(/^accepted$|; (there )?allowed (is|are) /s);
        },
      ),
    );
  });

  test('keeps members of metadata whatever they are called', () => {
    const raw = JSON.parse('{"query":"a","metadata":{"__proto__":1,"constructor":2}}') as object;
    expect(JSON.stringify(read(raw))).toBe(JSON.stringify(raw));
  });
});

describe('the schema of shared fields', () => {
  test('is plain JSON Schema without noise', () => {
    expect(toJsonSchema(z.strictObject(filterFields))).toMatchObject({
      type: 'object',
      properties: { tags: { type: 'array', items: { type: 'string' } }, metadata: { type: 'object' } },
      additionalProperties: false,
    });
    expect(JSON.stringify(json)).not.toMatch(/\$schema|propertyNames|9007199254740991/);
  });
});

describe('readInput of what is nested too deeply to be shown', () => {
  test.each([
    ['[', ']', '[…]'],
    ['{"a":', '}', '{…}'],
  ])('refuses %s…%s', (opening, closing, shown) => {
    const deep: unknown = JSON.parse(`${opening.repeat(100_000)}1${closing.repeat(100_000)}`);
    expect(refusal({ query: deep })).toBe(`query is ${shown}; allowed is a text`);
  });
});

describe('readInput with alternatives', () => {
  const either = z.strictObject({ confirm: z.optional(z.union([z.boolean(), z.string()])) });
  const eitherJson = toJsonSchema(either);

  test('takes each of them, and names all of them otherwise', () => {
    expect(readInput(either, eitherJson, { confirm: true }).input).toEqual({ confirm: true });
    expect(readInput(either, eitherJson, { confirm: 'true' }).input).toEqual({ confirm: 'true' });
    expect(() => readInput(either, eitherJson, { confirm: 5 })).toThrow(
      'confirm is 5; allowed is true or false or a text',
    );
  });
});

describe('unknown fields', () => {
  test('are left out and named, wherever they stand', () => {
    const raw = { query: 'a', task_progress: '1/3', random_string: '', items: [{ text: 'b', cost: 1 }] };
    const { input, ignored } = readInput(schema, json, raw);
    expect(input).toEqual({ query: 'a', items: [{ text: 'b' }] });
    expect(ignored).toEqual(['task_progress', 'random_string', 'items[0].cost']);
    expect(ignoredNote(ignored)).toBe(
      'Note: ignored unknown fields: task_progress, random_string, items[0].cost.',
    );
    expect(ignoredNote(['one'])).toBe('Note: ignored unknown field: one.');
    expect(ignoredData([])).toEqual({});
    expect(ignoredNote([])).toBe('');
  });

  test('are named briefly and on one line, however many and however they are called', () => {
    const names = [
      'line\nfeed',
      'x'.repeat(1_000_000),
      ...Array.from({ length: 50 }, (_, index) => `field ${index}`),
    ];
    const raw = Object.fromEntries([['query', 'a'], ...names.map((name) => [name, 1])]) as object;
    const { ignored } = readInput(schema, json, raw);
    const note = ignoredNote(ignored);
    expect(note).toMatch(/ and 47 more\.$/);
    expect(note).not.toContain('\n');
    expect(note.length).toBeLessThan(400);
    expect(JSON.stringify(ignoredData(ignored)).length).toBeLessThan(400);
  });

  test('keep their meaning in an object that has members of any name', () => {
    expect(readInput(schema, json, { query: 'a', metadata: { qeury: 1 } }).ignored).toEqual([]);
  });
});
