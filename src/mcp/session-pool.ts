import { LRUCache } from 'lru-cache';

/** Something that one client keeps open. */
export interface PooledSession {
  close(): Promise<void>;
}

/** Sessions of HTTP clients by id. Clients come and go without a word, so the longest unused are closed. */
export class SessionPool<Session extends PooledSession> {
  readonly #sessions: LRUCache<string, Session>;

  /** @param limits without `idleMs`, no session is closed for being idle */
  constructor(limits: { readonly count: number; readonly idleMs?: number }, now: () => number = Date.now) {
    this.#sessions = new LRUCache({
      max: limits.count,
      ttl: limits.idleMs ?? 0,
      updateAgeOnGet: true,
      // The end of the pool closes all that are left, however long they were idle.
      allowStale: true,
      ttlResolution: 0,
      perf: { now },
      dispose: (session, _id, reason) => {
        if (reason === 'evict' || reason === 'expire') void session.close().catch(() => undefined);
      },
    });
  }

  get size(): number {
    return this.#sessions.size;
  }

  add(id: string, session: Session): void {
    this.#sessions.purgeStale();
    this.#sessions.set(id, session);
  }

  /** The session, which counts as used now; undefined when there is none, or no more. */
  use(id: string): Session | undefined {
    this.#sessions.purgeStale();
    return this.#sessions.get(id);
  }

  /** Forgets it without closing it. */
  remove(id: string): void {
    this.#sessions.delete(id);
  }

  async close(): Promise<void> {
    const open = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.allSettled(open.map((session) => session.close()));
  }
}
