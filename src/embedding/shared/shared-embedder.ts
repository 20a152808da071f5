import { setTimeout as sleep } from 'node:timers/promises';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { settleWithin } from '../../util/concurrency.ts';
import type { EmbeddedChunk, EmbeddedQuery, Embedder, EmbeddingModelId, Urgency } from '../embedder.ts';
import { FrameError } from './frames.ts';
import { findMeetingPlace, reach } from './meeting-place.ts';
import { ModelHost } from './model-host.ts';
import { LinkLostError, ModelLink } from './model-link.ts';
import {
  type Answer,
  type CallOptions,
  type FolderServices,
  identityOf,
  type Method,
  METHODS,
  type SharedSearches,
} from './protocol.ts';

/** For this long a process goes on with its own model after that of another was no help. */
const ALONE_MS = 60_000;
/** Several processes may race to take the place of one that died. */
const JOIN_ATTEMPTS = 5;
const PAUSE_MS = 20;
/** The process that has the model may die again while a call is repeated. */
const CALL_ATTEMPTS = 5;
/** `modelId` waits no longer to see whether another process has the model. */
const LOOK_LIMIT_MS = 250;
const LOOK_EVERY_MS = 10_000;

export interface SharedEmbedderSettings extends FolderServices {
  readonly dataDir: string;
  /** Makes this process's own embedder. @param onReadyChange it calls this when its model was loaded or unloaded */
  readonly createOwn: (onReadyChange: () => void) => Embedder;
}

/**
 * One model for all processes of a data folder: the first one that needs it serves it to the others over a local
 * socket. When that process ends, at whatever moment, the next call of another takes its place. Where there can be no
 * socket, each process has its own model.
 */
export class SharedEmbedder implements Embedder {
  readonly #dataDir: string;
  readonly #own: Embedder;
  readonly #services: FolderServices;
  #host: ModelHost | undefined;
  #link: ModelLink | undefined;
  #joining: Promise<void> | undefined;
  #aloneUntil = 0;
  #lookedAt = -Infinity;
  #closed = false;

  constructor({ dataDir, createOwn, ...services }: SharedEmbedderSettings) {
    this.#dataDir = dataDir;
    this.#services = services;
    this.#own = createOwn(() => {
      this.#host?.announce();
    });
  }

  /** Looks for the process that has the model too, so that `describe` can name it; it loads nothing. */
  async modelId(): Promise<EmbeddingModelId> {
    await this.#look();
    return this.#own.modelId();
  }

  /**
   * The searches of the process that has the model, if that is another one and has the rules of this one; else undefined.
   * They reject when they fail there, and when the connection ends.
   */
  async otherSearches(): Promise<SharedSearches['answer'] | undefined> {
    const rules = this.#services.searches?.rules;
    await this.#look();
    const link = this.#link;
    if (link?.open !== true || rules === undefined || link.searches !== rules) return undefined;
    return (data, signal) => link.call('searchStore', '', { data, signal });
  }

  /** Joins the process that has the model, if there is one. It looks again after a while only. */
  async #look(): Promise<void> {
    const isJoined = this.#host !== undefined || this.#link?.open === true;
    if (isJoined || this.#isAlone) return;
    if (this.#joining === undefined) {
      if (performance.now() - this.#lookedAt <= LOOK_EVERY_MS) return;
      this.#lookedAt = performance.now();
    }
    await settleWithin(this.#join(false), LOOK_LIMIT_MS);
  }

  get ready(): boolean {
    return this.#link?.open === true ? this.#link.ready : this.#own.ready;
  }

  async warmUp(): Promise<void> {
    await this.#call('warmUp', '');
  }

  embedQuery(text: string, signal?: AbortSignal): Promise<Float32Array> {
    return this.#call('embedQuery', text, { signal });
  }

  get tokenSpace(): string | undefined {
    return this.#own.tokenSpace;
  }

  embedQueryTokens(text: string, signal?: AbortSignal): Promise<EmbeddedQuery> {
    return this.#call('embedQueryTokens', text, { signal });
  }

  embedPassage(text: string, signal?: AbortSignal, urgency?: Urgency): Promise<EmbeddedChunk[]> {
    return this.#call('embedPassage', text, { signal, urgency });
  }

  describe(): Record<string, string | number | boolean> {
    if (this.#link?.open === true)
      return { ...this.#link.facts, servedBy: `process ${this.#link.processId}` };
    const own = this.#own.describe();
    if (this.#host === undefined) return own;
    return { ...own, servedBy: 'this process', otherProcesses: this.#host.visitors };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#link?.close();
    this.#host?.close();
    await this.#own.close();
  }

  async #call<Asked extends Method>(
    method: Asked,
    text: string,
    options: CallOptions = {},
  ): Promise<Answer<Asked>> {
    const { signal } = options;
    for (let attempt = 1; attempt <= CALL_ATTEMPTS; attempt += 1) {
      signal?.throwIfAborted();
      const link = await this.#elsewhere();
      if (link === undefined) break;
      try {
        return await link.call(method, text, options);
      } catch (error) {
        signal?.throwIfAborted();
        if (this.#closed) break;
        if (error instanceof FrameError) break;
        if (error instanceof LinkLostError) continue;
        const again = error instanceof FaissMemoryError && error.retryable;
        if (!again || attempt > 1) this.#goAlone();
      }
    }
    // The table of methods gives the answer of this one.
    return METHODS[method]({ embedder: this.#own }, text, options) as Promise<Answer<Asked>>;
  }

  /** @returns the connection to the process that has the model; undefined when it is this one */
  async #elsewhere(): Promise<ModelLink | undefined> {
    for (let attempt = 1; attempt <= JOIN_ATTEMPTS && !this.#closed; attempt += 1) {
      if (this.#link?.open === true) return this.#link;
      if (this.#host?.holdsAddress() === true) return undefined;
      this.#host?.close();
      this.#host = undefined;
      if (this.#isAlone) return undefined;
      await this.#join(true);
    }
    if (this.#link?.open === true) return this.#link;
    if (this.#host === undefined) this.#goAlone();
    return undefined;
  }

  get #isAlone(): boolean {
    return performance.now() < this.#aloneUntil;
  }

  /** Uses its own model for a while, after which it looks for that of another process again. */
  #goAlone(): void {
    this.#link?.close();
    this.#link = undefined;
    this.#aloneUntil = performance.now() + ALONE_MS;
  }

  /** @param mayHost whether to become the process that has the model when there is none. Never rejects */
  #join(mayHost: boolean): Promise<void> {
    this.#joining ??= this.#meet(mayHost)
      .catch(() => {
        this.#goAlone();
      })
      .finally(() => {
        this.#joining = undefined;
        if (!this.#closed) return;
        this.#link?.close();
        this.#host?.close();
      });
    return this.#joining;
  }

  /** Connects to the process that has the model, or becomes it. @throws when neither is possible */
  async #meet(mayHost: boolean): Promise<void> {
    const identity = await identityOf(this.#own);
    for (let attempt = 1; attempt <= JOIN_ATTEMPTS; attempt += 1) {
      const place = await findMeetingPlace(this.#dataDir, { make: mayHost });
      const socket = place === undefined ? undefined : await reach(place.address);
      if (place !== undefined && socket !== undefined) {
        try {
          this.#link = await ModelLink.open(socket, place, identity);
        } catch (error) {
          if (error instanceof LinkLostError) continue;
          throw error;
        }
        if (this.#link === undefined) this.#goAlone();
        return;
      }
      if (!mayHost) return;
      if (place === undefined) break;
      const host = new ModelHost({ place, embedder: this.#own, identity, ...this.#services });
      if (await host.start()) {
        this.#host = host;
        return;
      }
      await sleep(PAUSE_MS);
    }
    this.#goAlone();
  }
}
