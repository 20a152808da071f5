import type { BlobStore } from './blob-store.ts';
import { interceptBlobStore } from './intercept-blob-store.ts';

interface Waiting {
  readonly start: () => void;
}

/**
 * At most `limit` calls run at once; the others wait in order. Bounds sockets, memory and the burst a provider
 * sees. A call whose signal aborts while it waits leaves the queue with the signal's reason.
 */
export function limitedBlobStore(inner: BlobStore, limit: number): BlobStore {
  const queue = new Set<Waiting>();
  let running = 0;

  function turn(signal: AbortSignal | undefined): Promise<void> {
    if (running < limit) {
      running += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        queue.delete(waiting);
        reject(signal?.reason as Error);
      };
      const waiting: Waiting = {
        start: () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      queue.add(waiting);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  function pass(): void {
    const [next] = queue;
    if (next === undefined) {
      running -= 1;
      return;
    }
    queue.delete(next);
    next.start();
  }

  return interceptBlobStore(inner, async (call, proceed) => {
    call.signal?.throwIfAborted();
    await turn(call.signal);
    try {
      return await proceed();
    } finally {
      pass();
    }
  });
}
