import { streamSSE } from 'hono/streaming';
import type { Progress, WorkOptions } from '../backup/backup-api.ts';
import { isUnexpected } from '../api/errors.ts';
import { visibleJson } from '../util/visible-text.ts';
import type { RouteData } from './route.ts';
import type { HttpContext } from './http-environment.ts';
import { toProblem } from './problem.ts';

/** Shortest time between two events of one step. */
const PAUSE_MS = 100;
/** Proxies close a connection that is silent for a minute; a comment is no event. */
const KEEP_ALIVE_MS = 15_000;
const KEEP_ALIVE = ': still at it\n\n';

/** The stream, as the OpenAPI document has it. */
export const eventStreamContent = {
  'text/event-stream': {
    schema: {
      type: 'string',
      description:
        'Events: "progress" {step, done, total}, then one "result" with the JSON answer or one "problem". Closing the connection ends the work.',
    },
  },
} as const;

/** The caller of long work wants to hear how far it is. */
export function wantsEvents({ req }: HttpContext): boolean {
  return /\btext\/event-stream\b/.test(req.header('accept') ?? '');
}

/**
 * Answers with an event stream: `progress` events, then one `result` with the answer or one `problem`. When the
 * caller goes away the work is aborted.
 */
export function streamProgress(
  context: HttpContext,
  perform: (work: WorkOptions) => Promise<RouteData>,
): Response {
  const requestId = context.get('requestId');
  return streamSSE(context, async (stream) => {
    const gone = new AbortController();
    stream.onAbort(() => {
      gone.abort();
    });
    const send = (event: string, data: object): Promise<void> =>
      stream.writeSSE({ event, data: visibleJson(data) });
    const keepAlive = setInterval(() => void stream.write(KEEP_ALIVE).catch(() => undefined), KEEP_ALIVE_MS);
    const onProgress = sparingly((progress) => void send('progress', progress).catch(() => undefined));
    try {
      await send('result', await perform({ signal: gone.signal, onProgress }));
    } catch (error) {
      if (gone.signal.aborted) return;
      if (isUnexpected(error)) context.get('logger').error('a request failed', {}, error);
      await send('problem', toProblem(error, requestId));
    } finally {
      clearInterval(keepAlive);
    }
  });
}

/** Passes on the first report of each step, and of the others not more than ten a second. */
function sparingly(report: (progress: Progress) => void): (progress: Progress) => void {
  let last = { step: '', at: 0 };
  return (progress) => {
    const at = performance.now();
    if (progress.step === last.step && at - last.at < PAUSE_MS) return;
    last = { step: progress.step, at };
    report(progress);
  };
}
