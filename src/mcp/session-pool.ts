/** Something that one client keeps open. */
export interface PooledSession {
  close(): Promise<void>;
}

/** Sessions of HTTP clients by id. Clients come and go without a word, so the longest unused are closed. */
export class SessionPool<Session extends PooledSession> {
  readonly #sessions = new Map<string, { readonly session: Session; usedAt: number }>();
  readonly #limits: { readonly count: number; readonly idleMs: number };
  readonly #now: () => number;

  constructor(limits: { readonly count: number; readonly idleMs: number }, now: () => number = Date.now) {
    this.#limits = limits;
    this.#now = now;
  }

  get size(): number {
    return this.#sessions.size;
  }

  add(id: string, session: Session): void {
    this.#closeIdle(this.#limits.count - 1);
    this.#sessions.set(id, { session, usedAt: this.#now() });
  }

  /** The session, which counts as used now; undefined when there is none, or no more. */
  use(id: string): Session | undefined {
    this.#closeIdle();
    const entry = this.#sessions.get(id);
    if (entry === undefined) return undefined;
    entry.usedAt = this.#now();
    // The order of the map is the order of use.
    this.#sessions.delete(id);
    this.#sessions.set(id, entry);
    return entry.session;
  }

  /** Forgets it without closing it. */
  remove(id: string): void {
    this.#sessions.delete(id);
  }

  async close(): Promise<void> {
    const open = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.allSettled(open.map(({ session }) => session.close()));
  }

  /** @param most so many may be left */
  #closeIdle(most = Infinity): void {
    const oldest = this.#now() - this.#limits.idleMs;
    for (const [id, { session, usedAt }] of this.#sessions) {
      if (usedAt >= oldest && this.#sessions.size <= most) return;
      this.#sessions.delete(id);
      void session.close().catch(() => undefined);
    }
  }
}
