import { Hono, type MiddlewareHandler } from 'hono';
import type { HttpEnvironment } from '../../src/http/http-environment.ts';
import { answerProblem } from '../../src/http/problem.ts';
import { createLogger } from '../../src/logger.ts';

export interface GuardedApp {
  readonly app: Hono<HttpEnvironment>;
}

/** An application without a network, which answers errors as the server does. */
export function guardedApp(...guards: readonly MiddlewareHandler<HttpEnvironment>[]): GuardedApp {
  const app = new Hono<HttpEnvironment>();
  const logger = createLogger({ level: 'debug', write: () => undefined });
  app.use(async (context, next) => {
    context.set('requestId', 'the-request');
    context.set('logger', logger);
    await next();
  });
  app.onError((error, context) => answerProblem(context, error));
  for (const guard of guards) app.use(guard);
  return { app };
}

/** Status and code of an answer; the code is empty when it is no problem. */
export async function codeOf(answer: Response | Promise<Response>): Promise<string> {
  const { status, headers } = await answer;
  if (headers.get('content-type') !== 'application/problem+json') return String(status);
  const problem = (await (await answer).json()) as { readonly code: string };
  return `${status} ${problem.code}`;
}
