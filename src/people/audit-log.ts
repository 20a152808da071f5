import type { Logger } from '../logger.ts';
import type { AuditLine, AuditPage, AuditQuery, PeopleStore } from './people-store.ts';

/** Actions of commands on the machine of the server, and of requests with its shared tokens. */
export const CONSOLE = 'console';

const WRITE_AFTER_MS = 1_000;
const MOST_WAITING = 10_000;
const DAY_MS = 86_400_000;

export interface AuditLogParts {
  readonly store: PeopleStore;
  /** Days for which lines are kept. */
  readonly days: number;
  readonly now: () => number;
  readonly logger: Logger;
}

/** Gathers lines and writes them once a second, so that no call waits for them. A killed process loses that second. */
export class AuditLog {
  readonly #parts: AuditLogParts;
  #waiting: AuditLine[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: AuditLogParts) {
    this.#parts = parts;
  }

  note(line: Partial<AuditLine> & Pick<AuditLine, 'person' | 'action'>): void {
    const { now } = this.#parts;
    this.#waiting.push({ space: '', count: 1, refused: '', about: '', at: now(), ...line });
    this.#timer ??= setTimeout(() => void this.flush(), WRITE_AFTER_MS).unref();
  }

  /** Writes waiting lines. Never rejects: lines that cannot be written now wait, the newest of them without end. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async read(query: AuditQuery): Promise<AuditPage> {
    await this.flush();
    return this.#parts.store.audit(query);
  }

  /** Removes lines that are old enough. */
  async expire(): Promise<void> {
    const { store, days, now } = this.#parts;
    await store.dropAudit(now() - days * DAY_MS);
  }

  async #write(): Promise<void> {
    const lines = this.#waiting;
    if (lines.length === 0) return;
    this.#waiting = [];
    try {
      await this.#parts.store.appendAudit(lines);
    } catch (error) {
      this.#waiting = [...lines, ...this.#waiting].slice(-MOST_WAITING);
      this.#timer ??= setTimeout(() => void this.flush(), WRITE_AFTER_MS).unref();
      this.#parts.logger.error('the audit log cannot be written', { waiting: this.#waiting.length }, error);
    }
  }
}
