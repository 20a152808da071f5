import { getConnInfo } from '@hono/node-server/conninfo';
import type { MiddlewareHandler } from 'hono';
import { rateLimiter } from 'hono-rate-limiter';
import { RequestRefusedError } from '../../errors/input-errors.ts';
import type { HttpContext, HttpEnvironment } from '../http-environment.ts';

/** True for a body that is read while it is worked on. */
export function isImport(path: string): boolean {
  return path.endsWith('/import');
}

/**
 * Refuses larger bodies: at once when the length is announced, which Node then enforces, else while they are read.
 * Never holds a body in memory.
 * @param limitOf bytes, by path; `Infinity` leaves the body alone
 */
export function bodyGuard(limitOf: (path: string) => number): MiddlewareHandler<HttpEnvironment> {
  return async (context, next) => {
    const { req } = context;
    const limit = limitOf(req.path);
    if (Number(req.header('content-length') ?? 0) > limit) throw tooLarge(limit);
    if (limit < Infinity && req.header('transfer-encoding') !== undefined && req.raw.body !== null) {
      req.raw = new Request(req.raw, { body: limited(req.raw.body, limit), duplex: 'half' });
    }
    return next();
  };
}

function limited(body: ReadableStream<Uint8Array>, limit: number): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let size = 0;
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) {
        controller.close();
        return;
      }
      size += value.byteLength;
      if (size <= limit) {
        controller.enqueue(value);
        return;
      }
      controller.error(tooLarge(limit));
      // To cancel would close the connection before the caller has read the answer.
      void readToEnd(reader);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

async function readToEnd(reader: ReadableStreamDefaultReader): Promise<void> {
  try {
    for (let isDone = false; !isDone;) isDone = (await reader.read()).done;
  } catch {
    // The caller went away.
  }
}

function tooLarge(limit: number): RequestRefusedError {
  return new RequestRefusedError('REQUEST_TOO_LARGE', `The request is larger than ${limit} bytes`, {
    fix: 'Send less at once, or raise MEMORY_HTTP_BODY_LIMIT_MIB.',
  });
}

/**
 * Ends the body of an answer to a HEAD request: it is answered like a GET, but its body is not read, and a stream that
 * fills it would wait for ever.
 */
export function endUnreadBodies(): MiddlewareHandler<HttpEnvironment> {
  return async (context, next) => {
    await next();
    if (context.req.method === 'HEAD') await context.res.body?.cancel();
  };
}

const MINUTE_MS = 60_000;

/** @param limit requests a minute and client address; 0 = any number */
export function rateGuard(limit: number): MiddlewareHandler<HttpEnvironment> {
  if (limit === 0) return (_, next) => next();
  return rateLimiter<HttpEnvironment>({
    windowMs: MINUTE_MS,
    limit,
    standardHeaders: 'draft-7',
    keyGenerator: clientAddress,
    handler: (context) => {
      throw new RequestRefusedError(
        'RATE_LIMITED',
        `More than ${limit} requests a minute came from this address`,
        {
          fix: 'Wait, or raise MEMORY_HTTP_RATE_LIMIT.',
          headers: { 'Retry-After': context.res.headers.get('Retry-After') ?? '60' },
        },
      );
    },
  });
}

function clientAddress(context: HttpContext): string {
  return getConnInfo(context).remote.address ?? 'unknown';
}
