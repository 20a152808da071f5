import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readMessages } from '../../../src/mcp/json-rpc.ts';
import { MAX_JSON_DEPTH, MAX_JSON_VALUES } from '../../../src/api/bounded-json.ts';

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };

/** What comes of a text: messages as they are, refusals as `id code`. */
function read(text: string | Uint8Array): unknown[] {
  return readMessages(Buffer.from(text)).flatMap(({ messages, refusals }) => [
    ...messages,
    ...refusals.map(({ id, error }) => `${JSON.stringify(id)} ${error.code}`),
  ]);
}

describe('readMessages', () => {
  test.each<[string, string, unknown[]]>([
    ['a message', JSON.stringify(PING), [PING]],
    ['params that are null', '{"jsonrpc":"2.0","id":1,"method":"ping","params":null}', [PING]],
    ['params that are an empty list', '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', [PING]],
    ['members that nobody knows', '{"jsonrpc":"2.0","id":1,"method":"ping","trace":5}', [PING]],
    ['a byte order mark and CRLF', `\uFEFF${JSON.stringify(PING)}\r`, [PING]],
    [
      'two messages on one line',
      JSON.stringify(PING) + JSON.stringify({ ...PING, id: 2 }),
      [PING, { ...PING, id: 2 }],
    ],
    ['white space', ' \t ', []],
    [
      'nulls in params',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":null,"_meta":null,"task":null}}',
      [{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'a' } }],
    ],
    [
      'nulls in _meta and in capabilities',
      '{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"progressToken":null},"capabilities":{"roots":null}}}',
      [{ jsonrpc: '2.0', id: 1, method: 'x', params: { _meta: {}, capabilities: {} } }],
    ],
    [
      'nulls in arguments, which are left to the tool',
      '{"jsonrpc":"2.0","id":1,"method":"x","params":{"arguments":{"metadata":{"a":null}}}}',
      [{ jsonrpc: '2.0', id: 1, method: 'x', params: { arguments: { metadata: { a: null } } } }],
    ],
    [
      'arguments as a JSON text',
      String.raw`{"jsonrpc":"2.0","id":1,"method":"x","params":{"arguments":"{\"query\":\"tea\"}"}}`,
      [{ jsonrpc: '2.0', id: 1, method: 'x', params: { arguments: { query: 'tea' } } }],
    ],
    [
      'arguments that are an empty text',
      '{"jsonrpc":"2.0","id":1,"method":"x","params":{"name":"a","arguments":" "}}',
      [{ jsonrpc: '2.0', id: 1, method: 'x', params: { name: 'a' } }],
    ],
    [
      'capabilities that are written as empty lists',
      '{"jsonrpc":"2.0","id":1,"method":"x","params":{"capabilities":{"roots":[],"elicitation":{"form":[]}}}}',
      [
        {
          jsonrpc: '2.0',
          id: 1,
          method: 'x',
          params: { capabilities: { roots: {}, elicitation: { form: {} } } },
        },
      ],
    ],
    [
      'no capabilities as an empty list, also in _meta',
      '{"jsonrpc":"2.0","id":1,"method":"x","params":{"capabilities":[],"_meta":{"io.modelcontextprotocol/clientCapabilities":[]}}}',
      [
        {
          jsonrpc: '2.0',
          id: 1,
          method: 'x',
          params: { capabilities: {}, _meta: { 'io.modelcontextprotocol/clientCapabilities': {} } },
        },
      ],
    ],
    [
      'a notification with the id null',
      '{"jsonrpc":"2.0","id":null,"method":"notifications/initialized"}',
      [{ jsonrpc: '2.0', method: 'notifications/initialized' }],
    ],
  ])('understands %s', (_, text, messages) => {
    expect(read(text)).toEqual(messages);
  });

  test.each<[string, string, string[]]>([
    ['broken JSON', '{"jsonrpc":"2.0","id":6,"method":', ['null -32700']],
    ['a raw NUL', '{"jsonrpc":"2.0","id":6,"method":"a\0"}', ['null -32700']],
    ['no jsonrpc', '{"id":3,"method":"ping"}', ['3 -32600']],
    ['another jsonrpc', '{"jsonrpc":2,"id":3,"method":"ping"}', ['3 -32600']],
    ['a method that is a number', '{"jsonrpc":"2.0","id":4,"method":5}', ['4 -32600']],
    ['no method', '{"jsonrpc":"2.0","id":"a"}', ['"a" -32600']],
    ['params that are a text', '{"jsonrpc":"2.0","id":5,"method":"ping","params":"x"}', ['5 -32602']],
    ['params that are a list', '{"jsonrpc":"2.0","id":5,"method":"ping","params":[1]}', ['5 -32602']],
    ['_meta that is a number', '{"jsonrpc":"2.0","id":5,"method":"ping","params":{"_meta":5}}', ['5 -32602']],
    [
      'arguments that are a list',
      '{"jsonrpc":"2.0","id":5,"method":"x","params":{"arguments":[1]}}',
      ['5 -32602'],
    ],
    ...['tea', '[1]', '5', '{', '{}{}'].map((text): [string, string, string[]] => [
      `arguments that are the text ${text}`,
      `{"jsonrpc":"2.0","id":5,"method":"x","params":{"arguments":${JSON.stringify(text)}}}`,
      ['5 -32602'],
    ]),
    [
      'an odd progress token',
      '{"jsonrpc":"2.0","id":5,"method":"x","params":{"_meta":{"progressToken":{}}}}',
      ['5 -32602'],
    ],
    ['a fraction as id', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', ['1.5 -32600']],
    ['a huge id', '{"jsonrpc":"2.0","id":1e300,"method":"ping"}', ['1e+300 -32600']],
    ['a boolean as id', '{"jsonrpc":"2.0","id":true,"method":"ping"}', ['null -32600']],
    ['an object as id', '{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}', ['null -32600']],
    ['null as id', '{"jsonrpc":"2.0","id":null,"method":"ping"}', ['null -32600']],
    ['a text', '"ping"', ['null -32600']],
    ['nothing in an object', '{}', ['null -32600']],
    ['an empty batch', '[]', ['null -32600']],
    ['a batch of too many', JSON.stringify(Array.from({ length: 101 }, () => PING)), ['null -32600']],
    ['a batch in a batch', '[[]]', ['null -32600']],
    ['a notification that is none', '{"method":"notifications/initialized"}', []],
    ['an answer that is none', '{"jsonrpc":"2.0","id":5,"result":7}', []],
  ])('refuses %s', (_, text, refusals) => {
    expect(read(text)).toEqual(refusals);
  });

  test('keeps what is right of a batch', () => {
    const [batch] = readMessages(Buffer.from(JSON.stringify([PING, 5, { id: 2, method: 'ping' }])));
    expect(batch).toMatchObject({ isBatch: true, messages: [PING], refusals: [{ id: null }, { id: 2 }] });
  });

  test('refuses bytes that are not UTF-8', () => {
    expect(read(Uint8Array.of(0x7b, 0xff, 0x7d))).toEqual(['null -32700']);
  });

  test.each([
    ['members', `{${'"a":1,'.repeat(MAX_JSON_VALUES)}"b":1}`],
    ['items', `[${'1,'.repeat(MAX_JSON_VALUES)}1]`],
    ['levels', `${'['.repeat(MAX_JSON_DEPTH)}${']'.repeat(MAX_JSON_DEPTH)}`],
  ])('refuses too many %s unread, by the id before or behind them', (_, value) => {
    expect(read(`{"jsonrpc":"2.0","id":8,"method":"x","params":{"id":1,"a":${value}}}`)).toEqual([
      '8 -32600',
    ]);
    expect(read(`{"params":{"id":1,"a":${value}},"method":"x","id":"a\\"b"}`)).toEqual(['"a\\"b" -32600']);
  });

  test('takes the largest call that makes sense', () => {
    const tags = Array.from({ length: 64 }, (_, index) => `tag ${index}`);
    const memories = Array.from({ length: 100 }, (_, index) => ({
      text: `fact ${index}`,
      tags,
      metadata: { a: 1 },
    }));
    const call = { ...PING, method: 'tools/call', params: { name: 'memory_add', arguments: { memories } } };
    expect(read(JSON.stringify(call))).toEqual([call]);
  });

  test('makes a message or a refusal of every request, whatever stands in it', () => {
    const part = fc.option(fc.jsonValue());
    const request = fc.record({
      jsonrpc: part,
      method: part,
      params: part,
      id: fc.oneof(fc.integer(), fc.string()),
    });
    fc.assert(
      fc.property(request, (value) => {
        expect(read(JSON.stringify(value))).toHaveLength(1);
      }),
    );
  });
});
