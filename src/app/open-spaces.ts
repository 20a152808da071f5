import type { Settings } from '../config/schema.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { NoSuchError } from '../errors/people-errors.ts';
import type { Logger } from '../logger.ts';
import { untilAborted } from '../util/until-aborted.ts';
import type { RemovedSpace } from '../people/people-store.ts';
import { DEFAULT_SPACE, type SpaceContent, type SpaceFolders } from '../people/space-service.ts';
import { SharedThreads, startWorkerStore } from '../store/worker/client.ts';
import { OpenWork, settleWithin } from '../util/concurrency.ts';
import { type App, composeApp } from './app.ts';
import type { SpaceHome, WhileClosed } from './space-homes.ts';
import { settingsOfSpace } from './start-app.ts';
import { storeSettings } from './store-settings.ts';

/** How long the removal of a space waits for calls under way; the store refuses later writes. */
const CALLS_LIMIT_MS = 30_000;
const LOOK_EVERY_MS = 30_000;

export interface OpenSpacesParts {
  /** Of the server. Each space has its own data folder, and no remote. */
  readonly settings: Settings;
  readonly home: SpaceHome;
  /** Of the data folder itself, the space `default`. Its embedder serves all spaces. */
  readonly main: App;
  readonly logger: Logger;
  /** Open spaces at the same time; when more are used, those that are not in use are closed first. */
  readonly limit: number;
  readonly idleMs: number;
  /** Keeps embeddings and backups of open spaces up to date. */
  readonly background: boolean;
}

export interface EnteredSpace {
  readonly app: App;
  readonly leave: () => void;
}

interface OpenSpace {
  readonly app: App;
  readonly calls: OpenWork;
  running: number;
  usedAt: number;
}

/**
 * The apps of spaces: opened by the first call, closed when they are idle for long, or the longest unused when too many
 * are open. All share one embedder and one pair of store threads.
 */
export class OpenSpaces implements SpaceFolders {
  readonly #parts: OpenSpacesParts;
  readonly #threads = new SharedThreads();
  /** In the order of their last use. */
  readonly #open = new Map<string, OpenSpace>();
  readonly #closing = new Map<string, Promise<void>>();
  /** On their way to the trash. */
  readonly #leaving = new Set<string>();
  readonly #timer: NodeJS.Timeout;

  constructor(parts: OpenSpacesParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.#closeIdle(), LOOK_EVERY_MS).unref();
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Opens the app of a space if it is not open, and keeps it open until `leave` is called, once.
   * @throws NoSuchError when its folder is gone or is being moved
   */
  async enter(space: string): Promise<EnteredSpace> {
    if (space === DEFAULT_SPACE) return { app: this.#parts.main, leave: () => undefined };
    // It may be on its way to being closed for being idle, and is opened again then.
    while (this.#closing.has(space)) await this.#closing.get(space);
    const opened = this.#opened(space);
    const end = opened.calls.begin();
    opened.running += 1;
    const leave = (): void => {
      opened.running -= 1;
      opened.usedAt = performance.now();
      end();
      if (this.#open.size > this.#parts.limit) this.#closeSurplus();
    };
    return { app: opened.app, leave };
  }

  /** Works with the app of a space, which stays open meanwhile. */
  async use<Result>(space: string, work: (app: App) => Promise<Result>): Promise<Result> {
    const { app, leave } = await this.enter(space);
    try {
      return await work(app);
    } finally {
      leave();
    }
  }

  isFree(space: string): Promise<boolean> {
    return this.#parts.home.isFree(space);
  }

  create(space: string): Promise<void> {
    return this.#parts.home.create(space, this.#threads);
  }

  /** See `SpaceHome`. */
  bytes(space: string): Promise<number | undefined> {
    return this.#parts.home.bytes(space);
  }

  contentOf(space: string): Promise<SpaceContent> {
    return this.use(space, async ({ store }) => {
      const { live, bytes, stateDigest } = await store.stats();
      return { memories: live, bytes, stateDigest };
    });
  }

  async moveToTrash(space: string): Promise<void> {
    this.#leaving.add(space);
    try {
      const opened = this.#open.get(space);
      if (opened !== undefined) await settleWithin(opened.calls.done(), CALLS_LIMIT_MS);
      await this.#close(space);
      await this.#parts.home.moveToTrash(space);
    } finally {
      this.#leaving.delete(space);
    }
  }

  bringBack(space: string): Promise<void> {
    return this.#parts.home.bringBack(space);
  }

  erase(space: RemovedSpace, isStill: () => Promise<boolean>): Promise<void> {
    return this.#closedWhile(space.id, () => this.#parts.home.erase(space, isStill));
  }

  /** See `WhileClosed`. */
  async whileClosed(space: string, work: () => Promise<void>): Promise<void> {
    if ((this.#open.get(space)?.running ?? 0) === 0) await this.#closedWhile(space, work);
  }

  /** Erases old trash in spaces that are not open; open ones do so themselves. */
  async tidy(spaces: readonly string[]): Promise<void> {
    for (const space of await this.#parts.home.toTidy(spaces)) {
      if (this.#open.has(space)) continue;
      await this.use(space, (app) => app.tidy()).catch((error: unknown) => {
        this.#parts.logger.debug('a space was not tidied', { space }, error);
      });
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    // Those that are closing already still need the threads.
    const spaces = [...this.#open.keys(), ...this.#closing.keys()];
    await Promise.all(spaces.map((space) => this.#close(space)));
    await this.#threads.close();
  }

  #opened(space: string): OpenSpace {
    if (this.#leaving.has(space)) throw new NoSuchError('space', space);
    const known = this.#open.get(space);
    if (known !== undefined) {
      this.#open.delete(space);
      this.#open.set(space, known);
      return known;
    }
    const opened = this.#start(space);
    this.#open.set(space, opened);
    return opened;
  }

  #start(space: string): OpenSpace {
    const { settings, home, main, logger } = this.#parts;
    const own = settingsOfSpace(settings, space);
    if (!home.isThere(space)) throw new NoSuchError('space', space);
    const app = composeApp(
      own,
      { logger: logger.child({ space }), embedder: borrowed(main.embedder), exitBackupMs: 0 },
      startWorkerStore({ ...storeSettings(own, 'team'), mustExist: true }, this.#threads, main.tracer),
    );
    if (this.#parts.background) app.startBackground();
    return { app, calls: new OpenWork(), running: 0, usedAt: performance.now() };
  }

  #closeSurplus(): void {
    for (const [space, { running }] of this.#open) {
      if (this.#open.size <= this.#parts.limit) return;
      if (running === 0) void this.#close(space);
    }
  }

  /** Those whose memories are still being embedded stay open, unless there are too many. */
  async #closeIdle(): Promise<void> {
    const before = performance.now() - this.#parts.idleMs;
    await this.#sweep();
    for (const [space, opened] of [...this.#open]) {
      if (opened.running > 0 || opened.usedAt > before) continue;
      const stats = await opened.app.memory.stats().catch(() => undefined);
      const isEmbedding =
        stats !== undefined && stats.embedding.pending > 0 && stats.embedding.problem === '';
      if (!isEmbedding && opened.running === 0 && opened.usedAt <= before) void this.#close(space);
    }
  }

  async #sweep(): Promise<void> {
    const { home, background, logger } = this.#parts;
    if (!background) return;
    const whileClosed: WhileClosed = (space, work) => this.whileClosed(space, work);
    await home.sweep(new Set(this.#open.keys()), whileClosed).catch((error: unknown) => {
      logger.debug('folders of spaces that are gone were not removed', {}, error);
    });
  }

  #close(space: string): Promise<void> {
    const opened = this.#open.get(space);
    if (opened === undefined) return this.#closing.get(space) ?? Promise.resolve();
    this.#open.delete(space);
    const closing = opened.app.close().catch((error: unknown) => {
      this.#parts.logger.warn('a space could not be closed', { space }, error);
    });
    return this.#keepClosed(space, closing);
  }

  #closedWhile(space: string, work: () => Promise<void>): Promise<void> {
    const working = this.#close(space).then(work);
    // Calls that wait for it go on whatever its outcome.
    void this.#keepClosed(
      space,
      working.catch(() => undefined),
    );
    return working;
  }

  /** Calls for the space wait until the work has ended. */
  #keepClosed(space: string, work: Promise<void>): Promise<void> {
    const closing = work.finally(() => {
      if (this.#closing.get(space) === closing) this.#closing.delete(space);
    });
    this.#closing.set(space, closing);
    return closing;
  }
}

/** The same embedder, which the app does not close. Its requests end with the app all the same. */
function borrowed(embedder: Embedder): Embedder {
  const closing = new AbortController();
  const until = <Result>(
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> =>
    untilAborted(signal === undefined ? [closing.signal] : [signal, closing.signal], work);
  const embedQueryTokens = embedder.embedQueryTokens?.bind(embedder);
  return {
    modelId: () => embedder.modelId(),
    get ready() {
      return embedder.ready;
    },
    get lastFailure() {
      return embedder.lastFailure;
    },
    warmUp: () => embedder.warmUp(),
    embedQuery: (text, signal) => until(signal, (both) => embedder.embedQuery(text, both)),
    embedPassage: (text, signal, urgency) =>
      until(signal, (both) => embedder.embedPassage(text, both, urgency)),
    ...(embedder.tokenSpace === undefined ? {} : { tokenSpace: embedder.tokenSpace }),
    ...(embedQueryTokens === undefined
      ? {}
      : { embedQueryTokens: (text, signal) => until(signal, (both) => embedQueryTokens(text, both)) }),
    describe: () => embedder.describe(),
    close: () => {
      closing.abort();
      return Promise.resolve();
    },
  };
}
