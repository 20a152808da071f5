import { setTimeout as sleep } from 'node:timers/promises';
import { BlobStoreError } from '../errors/remote-errors.ts';
import type { BlobStore } from './blob-store.ts';
import { interceptBlobStore, type InterceptedCall } from './intercept-blob-store.ts';

export interface RetryOptions {
  /** Tries in all, the first included; default 5. */
  readonly attempts?: number;
  /** Upper bound of the first wait, doubled for each further one; default 250 ms. */
  readonly baseDelayMs?: number;
  /** Upper bound of any wait that is ours; default 15 s. */
  readonly maxDelayMs?: number;
  /** A store that asks for a longer wait than this gets none: the error is passed on. Default 60 s. */
  readonly maxRetryAfterMs?: number;
  /** 0 ≤ x < 1, for tests. */
  readonly random?: () => number;
  /** Must reject when the signal aborts, for tests. */
  readonly wait?: (milliseconds: number, signal: AbortSignal | undefined) => Promise<unknown>;
}

const defaults: Required<RetryOptions> = {
  attempts: 5,
  baseDelayMs: 250,
  maxDelayMs: 15_000,
  maxRetryAfterMs: 60_000,
  random: Math.random,
  wait: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
};

/**
 * Repeats calls whose error says `retryable`, after a random wait between zero and an exponentially growing bound
 * (full jitter, so that machines that failed together do not come back together), never shorter than the store
 * asked for. A clock that is off is repeated once, at once: the answer has told the time. A conditional put is
 * repeated only when it was certainly refused.
 */
export function retryingBlobStore(inner: BlobStore, options: RetryOptions = {}): BlobStore {
  const policy = { ...defaults, ...options };
  return interceptBlobStore(inner, async (call, proceed) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await proceed();
      } catch (error) {
        const delay = delayBefore(error, { call, attempt, policy });
        if (delay === undefined) throw error;
        await waitOrThrowReason(delay, call, policy);
      }
    }
  });
}

interface Attempt {
  readonly call: InterceptedCall;
  readonly attempt: number;
  readonly policy: Required<RetryOptions>;
}

/** Milliseconds to wait before the next try; undefined = give up. */
function delayBefore(error: unknown, { call, attempt, policy }: Attempt): number | undefined {
  if (!(error instanceof BlobStoreError) || !error.retryable || attempt >= policy.attempts) return undefined;
  if (call.conditional && error.maybeApplied) return undefined;
  if (error.reason === 'clock-skew') return attempt === 1 ? 0 : undefined;
  const bound = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (attempt - 1));
  const asked = error.retryAfterMs ?? 0;
  return asked > policy.maxRetryAfterMs ? undefined : Math.max(asked, policy.random() * bound);
}

async function waitOrThrowReason(
  delay: number,
  { signal }: InterceptedCall,
  policy: Required<RetryOptions>,
): Promise<void> {
  try {
    await policy.wait(delay, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
