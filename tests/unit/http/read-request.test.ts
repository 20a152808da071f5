import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { defineRoute, type Method, readRequest } from '../../../src/http/route.ts';
import { codeOf, guardedApp } from '../../helpers/guarded-app.ts';

/** Answers with the fields that were gathered; only what `readRequest` looks at is declared. */
function echo(method: Method, path: string, inQuery: readonly string[] = []) {
  const route = defineRoute({
    name: 'echo',
    method,
    path,
    group: 'Server',
    summary: 'Says what it was told',
    access: 'read',
    input: z.strictObject({ name: z.optional(z.string()), confirm: z.optional(z.string()) }),
    inQuery,
    output: z.object({}),
    handle: () => Promise.resolve({}),
  });
  const { app } = guardedApp();
  app.on(method, path.replaceAll(/\{(\w+)\}/g, ':$1'), async (context) =>
    context.json(await readRequest(context, route)),
  );
  return (url: string, body?: string, type = 'application/json') =>
    app.request(url, { method, ...(body === undefined ? {} : { body, headers: { 'Content-Type': type } }) });
}

async function fields(answer: Response | Promise<Response>): Promise<unknown> {
  return (await answer).json();
}

describe('the query', () => {
  test('has one text or a list for each name, and keeps what is empty', async () => {
    const get = echo('GET', '/list');
    expect(await fields(get('/list?a=1&b=x&b=y&c=&d=%C3%A9+%2B'))).toEqual({
      a: '1',
      b: ['x', 'y'],
      c: '',
      d: 'é +',
    });
    expect(await fields(get('/list'))).toEqual({});
  });

  test('never reaches the prototype', async () => {
    const answer = await echo('GET', '/list')('/list?__proto__=x&constructor=y&toString=z');
    expect(await answer.text()).toBe('{"__proto__":"x","constructor":"y","toString":"z"}');
  });

  test('of a request with a body holds only what may stand there', async () => {
    const post = echo('POST', '/act', ['confirm']);
    expect(await fields(post('/act?confirm=true', '{"name":"a"}'))).toEqual({ confirm: 'true', name: 'a' });
    expect(await fields(post('/act?confirm=true', '{"confirm":"token"}'))).toEqual({ confirm: 'token' });
    const refused = post('/act?name=a', '{}');
    expect(await codeOf(refused)).toBe('400 INVALID_INPUT');
    // What a proxy or cache adds is no field of ours.
    expect(await fields(post('/act?_=5', '{}'))).toEqual({ _: '5' });
  });
});

describe('the path', () => {
  test('is decoded once, and stands above the body', async () => {
    const patch = echo('PATCH', '/memory/{id}');
    expect(await fields(patch('/memory/a%2Fb%20c%2525', '{"id":"other","text":"x"}'))).toEqual({
      id: 'a/b c%25',
      text: 'x',
    });
    expect(await fields(patch('/memory/%ff'))).toEqual({ id: '%ff' });
  });
});

describe('the body', () => {
  const post = echo('POST', '/act');

  test.each([
    'application/json',
    'APPLICATION/JSON; charset=utf-8',
    'application/json;x',
    'application/problem+json',
    'application/vnd.a.b-1+json',
  ])('is read when it is %s', async (type) => {
    expect(await fields(post('/act', '{"a":1}', type))).toEqual({ a: 1 });
  });

  test.each([
    'text/plain',
    'text/json',
    'application/jsonp',
    'application/json, text/plain',
    'application/x-www-form-urlencoded',
    'x-application/json',
  ])('is refused when it is %s', async (type) => {
    expect(await codeOf(post('/act', '{"a":1}', type))).toBe('415 UNSUPPORTED_MEDIA_TYPE');
  });

  test('may be absent, whatever its type', async () => {
    for (const body of [undefined, '', ' \r\n'])
      expect(await fields(post('/act', body, 'text/plain'))).toEqual({});
  });

  test('is an object, or refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (body) => {
        const answer = await post('/act', body);
        if (answer.status === 200) {
          const value: unknown = body.trim() === '' ? {} : JSON.parse(body);
          expect(await answer.text()).toBe(JSON.stringify(value));
        } else expect(await codeOf(answer)).toBe('400 INVALID_INPUT');
      }),
    );
  });
});
