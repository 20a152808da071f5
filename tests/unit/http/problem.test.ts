import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  ConfirmationNeededError,
  InvalidInputError,
  RequestRefusedError,
} from '../../../src/errors/input-errors.ts';
import { type ErrorCode, FaissMemoryError } from '../../../src/errors/faiss-memory-error.ts';
import { toProblem } from '../../../src/http/problem.ts';
import { guardedApp } from '../../helpers/guarded-app.ts';

/** Every code there is; the type itself is gone at run time. */
function allCodes(): ErrorCode[] {
  const source = readFileSync('src/errors/faiss-memory-error.ts', 'utf8');
  return [...source.matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map(([, code]) => code as ErrorCode);
}

describe('toProblem', () => {
  test('has a status and a phrase for every code', () => {
    const codes = allCodes();
    expect(codes.length).toBeGreaterThan(35);
    for (const code of codes) {
      const problem = toProblem(new FaissMemoryError(code, 'It failed'), 'the-request');
      expect(problem).toMatchObject({ type: 'about:blank', code, request_id: 'the-request' });
      expect(problem.status).toBeGreaterThanOrEqual(400);
      expect([code, problem.title]).not.toEqual([code, 'Error']);
    }
  });

  test('says what happened and what to do, in the words of the caller', () => {
    const refused = new FaissMemoryError('STORE_FULL', 'The disk is full', {
      fix: 'Make room.',
      retryable: true,
    });
    expect(toProblem(refused, 'r')).toEqual({
      type: 'about:blank',
      title: 'Insufficient Storage',
      status: 507,
      detail: 'The disk is full',
      code: 'STORE_FULL',
      fix: 'Make room.',
      retryable: true,
      request_id: 'r',
    });
    const input = new InvalidInputError('filter.allTags', 'is 5', 'allowed is a list of texts');
    expect(toProblem(input, 'r').detail).toBe('all_tags is 5; allowed is a list of texts');
  });

  test('shows what would change when that must be confirmed', () => {
    const problem = toProblem(new ConfirmationNeededError('It would remove 5', { removed: 5 }), 'r');
    expect(problem).toMatchObject({ status: 409, code: 'CONFIRMATION_NEEDED', dry_run: { removed: 5 } });
    expect(toProblem(new FaissMemoryError('STATE_CHANGED', 'x'), 'r')).not.toHaveProperty('dry_run');
  });

  test.each([
    ['an error of a library', new TypeError('/home/ada/secret.db is not a function')],
    ['an unexpected error of ours', new FaissMemoryError('INTERNAL', 'secret state', { fix: 'secret fix' })],
    ['a text', 'secret'],
    ['nothing', undefined],
  ])('tells nothing of %s', (_, error) => {
    const problem = toProblem(error, 'r');
    expect(problem).toMatchObject({ status: 500, code: 'INTERNAL', retryable: false });
    expect(JSON.stringify(problem)).not.toContain('secret');
  });
});

describe('answerProblem', () => {
  test('keeps the headers that were set before, and adds those of the refusal', async () => {
    const { app } = guardedApp(async (context, next) => {
      context.header('RateLimit', 'limit=5');
      context.res.headers.set('Access-Control-Allow-Origin', 'https://notes.example.org');
      await next();
    });
    app.get('/', () => {
      throw new RequestRefusedError('RATE_LIMITED', 'Too many', {
        fix: 'Wait.',
        headers: { 'Retry-After': '7' },
      });
    });
    const answer = await app.request('/');
    expect(answer.status).toBe(429);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/problem+json',
      'retry-after': '7',
      ratelimit: 'limit=5',
      'access-control-allow-origin': 'https://notes.example.org',
    });
  });
});
