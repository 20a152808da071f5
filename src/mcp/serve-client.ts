import { settleWithin } from '../util/concurrency.ts';
import { ClientInput, type Departure, watchClient } from './client-input.ts';
import { FirstMessages, readFirstAnswers } from './first-answers.ts';
import type { StdioParts } from './stdio.ts';

/** A client that was answered asks for more within this time, or has time to spare while the server is loaded. */
const PAUSE_MS = 50;
const CLOSE_LIMIT_MS = 500;

/**
 * Serves the client at the other end of stdin until it is gone. Its first messages are answered from the program's
 * files, and the server is loaded behind them: how fast a client gets its first answer is decided here.
 */
export async function serveClient(parts: StdioParts): Promise<void> {
  const departure = watchClient(process.stdin, parts.stdout);
  const input = new ClientInput(process.stdin);
  const answered = await answerFirst(parts, input, departure);
  const client = { input, departure, answered };
  if (!input.isWaiting && (await isOver(departure.silent))) {
    input.close();
    await settleWithin(parts.onClose(), CLOSE_LIMIT_MS);
    return;
  }
  if (answered.length > 0) parts.onConnected?.();
  const { serveOverStdio } = await import('./stdio.ts');
  await serveOverStdio(parts, client);
}

/**
 * Answers messages until one needs the server, the client pauses, or it is gone.
 * @returns the lines that were answered and that the server still has to hear; unanswered ones wait in the input
 */
async function answerFirst(
  { stdout, prepare }: StdioParts,
  input: ClientInput,
  { silent }: Departure,
): Promise<readonly Buffer[]> {
  const answers = readFirstAnswers();
  if (answers === undefined) return [];
  const messages = new FirstMessages(answers);
  const heard: Buffer[] = [];
  let timer: NodeJS.Timeout | undefined;
  const serverIsNeeded = new Promise<void>((resolve) => {
    input.deliverTo((line) => {
      const answered = line === undefined ? undefined : messages.answer(line);
      if (line === undefined || answered === undefined) {
        input.keepFrom(line);
        resolve();
        return;
      }
      if (answered.answer !== undefined) stdout.write(`${answered.answer}\n`);
      if (answered.method === 'tools/list') prepare?.();
      else heard.push(line);
      clearTimeout(timer);
      timer = setTimeout(resolve, PAUSE_MS).unref();
    });
  });
  await Promise.race([serverIsNeeded, silent]);
  clearTimeout(timer);
  return heard;
}

/** True when the promise has resolved. */
function isOver(promise: Promise<void>): Promise<boolean> {
  return Promise.race([
    promise.then(() => true),
    new Promise<boolean>((resolve) => setImmediate(resolve, false)),
  ]);
}
