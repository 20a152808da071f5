import type { ServerContext } from '@modelcontextprotocol/server';
import type { Progress } from '../backup/backup-api.ts';

const INTERVAL_MS = 250;

/**
 * Tells the client how far its call is, if it asked for that: every new step, and not too often in between.
 * Counts start again with each step while the protocol wants numbers that only rise, so the counts are in the
 * message.
 */
export function progressReporter(
  { mcpReq }: ServerContext,
  now: () => number = () => performance.now(),
): ((progress: Progress) => void) | undefined {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  let sent = 0;
  let lastStep = '';
  let lastTime = -Infinity;
  return ({ step, done, total }) => {
    if (step === lastStep && now() - lastTime < INTERVAL_MS) return;
    lastStep = step;
    lastTime = now();
    sent += 1;
    const message = total === undefined ? `${step}: ${done}` : `${step}: ${done} of ${total}`;
    const params = { progressToken, progress: sent, message };
    // A client that is gone needs no progress; its call is aborted elsewhere.
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
  };
}
