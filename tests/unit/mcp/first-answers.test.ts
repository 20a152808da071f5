import { describe, expect, test } from 'vitest';
import { type Answered, FirstMessages } from '../../../src/mcp/first-answers.ts';

const VERSION = '2025-06-18';
const START = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: VERSION, capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};
const INITIALIZED = { jsonrpc: '2.0', method: 'notifications/initialized' };
const LIST = { jsonrpc: '2.0', id: 2, method: 'tools/list' };

function newMessages(): FirstMessages {
  return new FirstMessages({ initialize: { [VERSION]: '{"hello":true}' }, tools: '{"tools":[]}' });
}

function answer(messages: FirstMessages, message: unknown): Answered | undefined {
  return messages.answer(Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)));
}

function withStart(changes: object): object {
  return { ...START, params: { ...START.params, ...changes } };
}

test('the usual messages get the kept answers with their own ids', () => {
  const messages = newMessages();
  expect(answer(messages, START)).toEqual({
    method: 'initialize',
    answer: '{"result":{"hello":true},"jsonrpc":"2.0","id":1}',
  });
  expect(answer(messages, INITIALIZED)).toEqual({ method: 'notifications/initialized' });
  for (const params of [undefined, {}]) {
    expect(answer(messages, { ...LIST, id: 'a"b', params })).toEqual({
      method: 'tools/list',
      answer: '{"result":{"tools":[]},"jsonrpc":"2.0","id":"a\\"b"}',
    });
  }
});

const usual: readonly [string, object][] = [
  ['roots', { capabilities: { roots: { listChanged: true } } }],
  ['sampling and elicitation', { capabilities: { sampling: {}, elicitation: { form: {}, url: {} } } }],
  ['a title', { clientInfo: { name: 'a', title: 'A', version: '1', websiteUrl: 'https://a.test' } }],
];

test.each(usual)('a start with %s is usual', (_, changes) => {
  expect(answer(newMessages(), withStart(changes))?.answer).toContain('hello');
});

const unusual: readonly [string, unknown][] = [
  ['no JSON', '{'],
  ['a batch', [START]],
  ['a text', '"x"'],
  ['no jsonrpc', { ...START, jsonrpc: undefined }],
  ['no id', { ...START, id: undefined }],
  ['a broken id', { ...START, id: 1.5 }],
  ['an unknown member', { ...START, more: 1 }],
  ['an unknown version', withStart({ protocolVersion: '1999-01-01' })],
  ['a version that every object has', withStart({ protocolVersion: 'constructor' })],
  ['capabilities []', withStart({ capabilities: [] })],
  ['capabilities null', withStart({ capabilities: null })],
  ['an unknown capability', withStart({ capabilities: { tasks: {} } })],
  ['a capability that every object has', withStart({ capabilities: { toString: {} } })],
  ['a wrong capability', withStart({ capabilities: { roots: { listChanged: 1 } } })],
  ['a capability null', withStart({ capabilities: { roots: null } })],
  ['no name', withStart({ clientInfo: { version: '1' } })],
  ['a wrong title', withStart({ clientInfo: { name: 'a', version: '1', title: 1 } })],
  ['_meta', withStart({ _meta: {} })],
  ['a long text', withStart({ clientInfo: { name: 'a'.repeat(20_000), version: '1' } })],
  ['tools/list before initialize', LIST],
  ['initialized before initialize', INITIALIZED],
];

test.each(unusual)('%s is left to the server', (_, message) => {
  expect(answer(newMessages(), message)).toBeUndefined();
});

describe('after the start', () => {
  test.each([
    ['a second start', START],
    ['a cursor', { ...LIST, params: { cursor: 'x' } }],
    ['params null', { ...LIST, params: null }],
    ['a call', { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'memory_stats' } }],
    ['a ping', { jsonrpc: '2.0', id: 3, method: 'ping' }],
  ])('%s is left to the server', (_, message) => {
    const messages = newMessages();
    answer(messages, START);
    expect(answer(messages, message)).toBeUndefined();
  });

  test('a text that is not UTF-8 is left to the server', () => {
    const messages = newMessages();
    answer(messages, START);
    const line = Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0","method":"tools/list","id":"'),
      Buffer.of(0xff),
      Buffer.from('"}'),
    ]);
    expect(messages.answer(line)).toBeUndefined();
  });
});
