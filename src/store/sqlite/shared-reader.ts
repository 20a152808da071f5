import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { LogHead, LogPage, PageRequest, SharedLog, VectorPage } from '../shared-log.ts';
import { applyPage, applyVectors, endVectors } from './apply-shared.ts';
import type { Connection } from './connection.ts';
import { type MissingPart, missingPart } from './shared-health.ts';
import { type Filling, type Position, readPosition, samePosition, writePosition } from './shared-position.ts';
import { spaceGone } from './shared-problems.ts';

/** A reader of another thread or process that wrote so lately is left alone. */
const AT_WORK_MS = 1_500;
const LOOK_AGAIN_MS = 50;

/** The part of its file that a shared store needs. */
export interface IndexFile {
  readonly path: string;
  /** Reads without asking the log first. */
  look<Result>(work: (connection: Connection) => Result): Promise<Result>;
  /** Writes pages that came from the log. */
  apply<Result>(work: (connection: Connection) => Result): Promise<Result>;
  /** Runs the work in a write transaction that stays open until `decide` says whether it is kept. */
  hold<Result>(
    work: (connection: Connection) => Result,
    decide: (result: Result) => Promise<boolean>,
  ): Promise<void>;
  /** Removes the file, which is made again. */
  discard(): Promise<void>;
}

interface ReaderSettings {
  readonly file: IndexFile;
  readonly log: SharedLog;
  readonly now: () => number;
}

/**
 * Reads a log into an index. A file that is empty first gets all memories without vectors, so that words are found
 * early, then all vectors. Each page is one transaction together with the position, so a reading that was broken off goes
 * on where it stood. While a page is applied, the next one is on its way.
 */
export class SharedReader {
  readonly #file: IndexFile;
  readonly #log: SharedLog;
  readonly #now: () => number;
  readonly #id = randomUUID();
  #missing: MissingPart | null = null;
  /** The next page, asked for while the one before is applied. */
  #ahead: { readonly key: string; readonly page: Promise<unknown> } | null = null;

  constructor({ file, log, now }: ReaderSettings) {
    this.#file = file;
    this.#log = log;
    this.#now = now;
  }

  /** The missing part as far as the last look could tell; null when the first reading is over. */
  get missing(): MissingPart | null {
    return this.#missing;
  }

  /** Tells where the file stands, which another thread or process may have filled. */
  note(position: Position | null): void {
    this.#missing = missingPart(position);
  }

  /** Reads everything that was in the log at the time of the call. */
  async readAll(): Promise<void> {
    try {
      for (let more = true; more;) more = await this.#step();
      this.#missing = null;
    } finally {
      this.#ahead = null;
    }
  }

  /** @returns whether there may be more */
  async #step(): Promise<boolean> {
    const position = await this.#file.look(readPosition);
    const filling = position?.loading;
    this.note(position);
    if (filling !== undefined && this.#isOfAnother(filling)) {
      await delay(LOOK_AGAIN_MS);
      return true;
    }
    return position === null || filling?.vectors === undefined
      ? this.#readMemories(position)
      : this.#readVectors(position, filling, filling.vectors);
  }

  #isOfAnother({ reader, at = 0 }: Filling): boolean {
    return reader !== undefined && reader !== this.#id && Math.abs(Date.now() - at) < AT_WORK_MS;
  }

  async #readMemories(position: Position | null): Promise<boolean> {
    const filling = position?.loading;
    const textsOnly = position === null || filling?.firstTimeUpTo !== undefined;
    const after = position?.sequence ?? 0;
    const page = await this.#page({ after, afterChange: filling?.change ?? 0, textsOnly });
    if (page === null) throw spaceGone(this.#log, this.#file.path);
    const isSame = position === null || page.known === position.commit;
    if (!isSame || !(await this.#has(filling?.seen, page.head))) return this.#discard();
    if (position !== null && after === page.head.sequence && filling === undefined) return false;
    const next = this.#after(position, page, textsOnly);
    this.#askAhead(next);
    const isApplied = await this.#advance(position, next, (connection) => {
      const firstTimeUpTo = next.loading?.firstTimeUpTo ?? 0;
      applyPage(connection, page, { now: this.#now(), firstTimeUpTo, withoutVectors: textsOnly });
    });
    return !isApplied || next.loading !== undefined || next.sequence < page.head.sequence;
  }

  /** The position after a page. */
  #after(position: Position | null, page: LogPage, textsOnly: boolean): Position {
    const filling = position?.loading;
    const head = filling?.head ?? page.head;
    const base = position ?? { space: this.#log.space, sequence: 0, commit: page.known ?? '' };
    const { space, sequence, commit } = base;
    const isEmpty = filling === undefined && page.memories.length === 0;
    if (page.done && (!textsOnly || isEmpty)) return { space, ...head };
    const change = page.memories.at(-1)?.change ?? filling?.change ?? 0;
    const loading: Filling = {
      ...{ change, head, seen: page.head, ...this.#mark() },
      ...(textsOnly ? { firstTimeUpTo: filling?.firstTimeUpTo ?? page.change } : {}),
      ...(page.done ? { vectors: null } : {}),
    };
    return { space, sequence, commit, loading };
  }

  /**
   * After a failover to a standby that was behind, the pages before may show changes that are lost now.
   * @param head of a page that was just read, which saves a question
   */
  async #has(seen: LogHead | undefined, head?: LogHead): Promise<boolean> {
    if (seen === undefined || seen.commit === head?.commit) return true;
    const page = await this.#log.page({ after: seen.sequence, afterChange: Number.MAX_SAFE_INTEGER });
    return page?.known === seen.commit;
  }

  /** @returns true: everything is read anew */
  async #discard(): Promise<true> {
    await this.#file.discard();
    return true;
  }

  #mark(): Pick<Filling, 'reader' | 'at'> {
    return { reader: this.#id, at: Date.now() };
  }

  async #readVectors(position: Position, filling: Filling, from: string | null): Promise<boolean> {
    const page = await this.#taken(vectorKey(from), () => this.#log.vectors(from));
    if (page.next === null && !(await this.#has(filling.seen))) return this.#discard();
    const { space, sequence, commit } = position;
    const next: Position =
      page.next === null
        ? { space, ...filling.head }
        : { space, sequence, commit, loading: { ...filling, ...this.#mark(), vectors: page.next } };
    this.#askAhead(next);
    await this.#advance(position, next, (connection) => {
      this.#applyVectors(connection, page);
    });
    // The caller goes on with the changes of the meantime.
    return true;
  }

  /**
   * Applies a page together with the position after it.
   * @returns false when the file is elsewhere: another thread or process read a page, a smaller one perhaps, or threw the file away
   */
  #advance(from: Position | null, to: Position, work: (connection: Connection) => void): Promise<boolean> {
    return this.#file.apply((connection) => {
      if (!samePosition(readPosition(connection), from)) return false;
      work(connection);
      writePosition(connection, to);
      return true;
    });
  }

  #applyVectors(connection: Connection, page: VectorPage): void {
    applyVectors(connection, page);
    if (page.next === null) endVectors(connection, this.#now());
  }

  /** Asks for the page after one that is about to be applied. */
  #askAhead({ sequence: after, loading }: Position): void {
    if (loading === undefined) return;
    const { vectors, change, firstTimeUpTo } = loading;
    if (vectors !== undefined) this.#ask(vectorKey(vectors), () => this.#log.vectors(vectors));
    else {
      const request = { after, afterChange: change, textsOnly: firstTimeUpTo !== undefined };
      this.#ask(pageKey(request), () => this.#log.page(request));
    }
  }

  #ask(key: string, read: () => Promise<unknown>): void {
    const page = read();
    // The step that takes it hears of it.
    page.catch(() => undefined);
    this.#ahead = { key, page };
  }

  #page(request: PageRequest): Promise<LogPage | null> {
    return this.#taken(pageKey(request), () => this.#log.page(request));
  }

  /** The page that was asked for ahead, or else a new one. */
  #taken<Page>(key: string, read: () => Promise<Page>): Promise<Page> {
    const ahead = this.#ahead;
    this.#ahead = null;
    // The key says of which kind the page is.
    return ahead?.key === key ? (ahead.page as Promise<Page>) : read();
  }
}

function pageKey(request: PageRequest): string {
  return `page ${JSON.stringify(request)}`;
}

function vectorKey(from: string | null): string {
  return `vectors ${from ?? ''}`;
}
