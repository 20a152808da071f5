import fc from 'fast-check';
import type { Schema } from './operations.ts';

/** Values that are known to the server, so that requests reach further than its first check. */
export type KnownValues = Readonly<Record<string, readonly string[]>>;

/** Values that fit a schema, known ones of this name more often than not. */
export function validValue(schema: Schema, name: string, known: KnownValues): fc.Arbitrary<unknown> {
  const values = known[name];
  const usual = ofSchema(schema, known);
  if (values === undefined) return usual;
  return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: usual });
}

function ofSchema(schema: Schema, known: KnownValues): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const { type, minimum = -1_000_000, maximum = 1_000_000 } = schema;
  if (Array.isArray(type))
    return fc.oneof(...type.map((one: string) => ofSchema({ ...schema, type: one }, known)));
  switch (type) {
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: minimum, max: maximum });
    case 'number':
      return fc.double({ min: minimum, max: maximum, noNaN: true });
    case 'array':
      return fc.array(validValue(schema.items ?? {}, '', known), { maxLength: 4 });
    case 'object':
      return objectOf(schema, known);
    default:
      return fc.string({ minLength: schema.minLength ?? 0, maxLength: 40, unit: 'grapheme' });
  }
}

function objectOf({ properties, required = [] }: Schema, known: KnownValues): fc.Arbitrary<unknown> {
  if (properties === undefined)
    return fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }));
  const members = Object.entries(properties).map(([name, schema]) => [name, validValue(schema, name, known)]);
  return fc.record(Object.fromEntries(members) as Record<string, fc.Arbitrary<unknown>>, {
    requiredKeys: [...required],
  });
}

/** JSON of values that hardly any field is made for. */
export const hostileJson: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('null', 'true', '{}', '[]', '""', '-0', '1e308', '-1e400', '9007199254740993', '0.1'),
  fc.constantFrom(
    ...['\ud800', '\udfff', '\0', '\u2028', '\uFEFF', 'a\u0301', '\u202E'].map((text) =>
      JSON.stringify(text),
    ),
  ),
  fc.constantFrom('{"__proto__":{"a":1}}', '{"constructor":{"prototype":{"a":1}}}', '{"toString":null}'),
  fc
    .constantFrom("' OR 1=1 --", '"; DROP TABLE memory', '*', '%', '_', '(', 'a NEAR b', '../../etc/passwd')
    .map((text) => JSON.stringify(text)),
  fc.constantFrom(50, 2_000, 20_000).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
  fc.constantFrom(50, 2_000, 20_000).map((depth) => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth)),
  fc.constantFrom(1_000, 100_001, 300_000).map((length) => JSON.stringify('é'.repeat(length))),
  fc.constantFrom(200, 20_000).map((count) => JSON.stringify(Array.from({ length: count }, () => 'a'))),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => JSON.stringify(text)),
  fc.json({ maxDepth: 4 }),
);

/** Bodies that are not even JSON, or no object. */
export const hostileBody: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '{',
    '{"text":',
    'NaN',
    '\0',
    '\uFEFF{}',
    '{"a":1,"a":2}',
    '[{}]',
    '{}{}',
    "{'text':'a'}",
  ),
  hostileJson,
  fc.string({ unit: 'binary', maxLength: 50 }),
);
