import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { encodeFrame, FrameReader, LONGEST_ANSWER, LONGEST_REQUEST } from '../embedding/shared/frames.ts';
import { findMeetingPlace, isProof, type MeetingPlace, reach } from '../embedding/shared/meeting-place.ts';
import { PROTOCOL, type Request, type Responders } from '../embedding/shared/protocol.ts';
import type { PromptRequest } from '../recall/prompt-recall.ts';
import { settleWithin } from '../util/concurrency.ts';

/** The one call of a connection. */
const CALL_ID = 1;

export interface ServerQuestion {
  readonly dataDir: string;
  readonly method: keyof Responders;
  /** JSON. */
  readonly request: string;
  /** Asks only when the model is loaded there. @default false */
  readonly needsModel?: boolean;
  readonly limitMs: number;
}

/**
 * Asks the process of a data folder that serves its model to the others, so that the caller loads neither model nor
 * memories.
 * @returns its answer, which may be empty; undefined when there is no such process, or it does not answer in time
 */
export async function askServer(question: ServerQuestion): Promise<string | undefined> {
  let socket: Socket | undefined;
  const ask = async (): Promise<string | undefined> => {
    const place = await findMeetingPlace(question.dataDir, { make: false });
    if (place === undefined) return undefined;
    socket = await reach(place.address);
    return socket === undefined ? undefined : talk(socket, place, question);
  };
  try {
    return await settleWithin(ask(), question.limitMs);
  } catch {
    return undefined;
  } finally {
    socket?.destroy();
  }
}

/** Asks for the memories that are close to a prompt. @param project null = outside of any project */
export function recallFromServer({
  dataDir,
  limitMs,
  ...request
}: Pick<ServerQuestion, 'dataDir' | 'limitMs'> & PromptRequest): Promise<string | undefined> {
  return askServer({ dataDir, limitMs, method: 'recall', request: JSON.stringify(request) });
}

/** Greets, and asks only a process that proves to be of this data folder: the request must not reach another one. */
function talk(
  socket: Socket,
  place: MeetingPlace,
  { method, request, needsModel = false }: ServerQuestion,
): Promise<string | undefined> {
  const nonce = randomBytes(16).toString('hex');
  const reader = new FrameReader(LONGEST_ANSWER);
  const send = (message: Request): void => {
    socket.write(encodeFrame(message, LONGEST_REQUEST));
  };
  return new Promise((resolve, reject) => {
    const take = ({ type, ...message }: Readonly<Record<string, unknown>>): void => {
      if (type === 'welcome') {
        const { proof, protocol, ready } = message;
        const isOurs = typeof proof === 'string' && isProof(place, nonce, proof) && protocol === PROTOCOL;
        if (isOurs && (ready === true || !needsModel))
          send({ type: 'call', id: CALL_ID, method, text: request });
        else resolve(undefined);
      } else if (type === 'value') {
        resolve(typeof message['value'] === 'string' ? message['value'] : undefined);
      } else if (type === 'error') {
        resolve(undefined);
      }
    };
    socket.on('data', (piece) => {
      try {
        for (const message of reader.push(piece)) take(message);
      } catch (error) {
        reject(error instanceof Error ? error : new Error('the answer cannot be read'));
      }
    });
    socket.on('error', reject);
    socket.on('close', () => {
      resolve(undefined);
    });
    send({ type: 'hello', protocol: PROTOCOL, nonce });
  });
}
