import type { EncodedError } from '../../errors/error-codec.ts';
import { EmbeddingUnavailableError } from '../../errors/embedding-errors.ts';
import type { EmbeddedQuery, Embedder, Urgency } from '../embedder.ts';

/** Changes with the meaning of a message. Processes of different protocols do not share a model. */
export const PROTOCOL = 1;

/** Answers a request, a JSON text, with a text; empty = it has none. */
export type Responder = (request: string, signal?: AbortSignal) => Promise<string>;

/** What the processes of a data folder may ask the one with the model, beside the model. */
export interface Responders {
  /** For hooks of clients: JSON of a `PromptRequest` to text. */
  readonly recall: Responder;
  /** For the command line: `src/app/search-from-server.ts`. */
  readonly search: Responder;
}

/** The searches of a store, which the process that has the model does for those that hold neither it nor the vectors. */
export interface SharedSearches {
  /** A process whose own is another text searches by itself. */
  readonly rules: string;
  /** Question and answer are of a form of the store: `src/app/shared-searches.ts`. */
  readonly answer: (question: Uint8Array, signal?: AbortSignal) => Promise<Uint8Array>;
}

/** What a process can do for others, beside the model. */
export interface FolderServices {
  /** How it answers hooks and commands; absent in a process without memories of its own. */
  readonly responders?: Responders | undefined;
  readonly searches?: SharedSearches | undefined;
}

/** The answers of the process that has the model. */
export interface HostServices extends FolderServices {
  readonly embedder: Embedder;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly urgency?: Urgency | undefined;
  readonly data?: Uint8Array | undefined;
}

/** How the process that has the model answers each method. Values are plain data with typed arrays. */
export const METHODS = {
  warmUp: async ({ embedder }: HostServices): Promise<null> => {
    await embedder.warmUp();
    return null;
  },
  embedQuery: ({ embedder }: HostServices, text: string, { signal }: CallOptions) =>
    embedder.embedQuery(text, signal),
  embedQueryTokens: (
    { embedder }: HostServices,
    text: string,
    { signal }: CallOptions,
  ): Promise<EmbeddedQuery> =>
    embedder.embedQueryTokens?.(text, signal) ??
    Promise.reject(new EmbeddingUnavailableError('The model gives no token vectors', { retryable: false })),
  embedPassage: ({ embedder }: HostServices, text: string, { signal, urgency }: CallOptions) =>
    embedder.embedPassage(text, signal, urgency),
  // Not about the model: who would have to load it and the memories asks the process that has them.
  recall: ({ responders }: HostServices, request: string, { signal }: CallOptions): Promise<string> =>
    responders?.recall(request, signal) ?? Promise.resolve(''),
  search: ({ responders }: HostServices, request: string, { signal }: CallOptions): Promise<string> =>
    responders?.search(request, signal) ?? Promise.resolve(''),
  searchStore: ({ searches }: HostServices, _: string, { data }: CallOptions): Promise<Uint8Array> =>
    data === undefined || searches === undefined
      ? Promise.reject(new EmbeddingUnavailableError('This process does no searches for others'))
      : searches.answer(data),
} as const;

export type Method = keyof typeof METHODS;
export type Answer<Asked extends Method> = Awaited<ReturnType<(typeof METHODS)[Asked]>>;

export type Facts = Readonly<Record<string, string | number | boolean>>;

/** The state of the model and the answer of its `describe`. */
export interface HostState {
  readonly ready: boolean;
  readonly facts: Facts;
}

/** From a process that asks. */
export type Request =
  | { readonly type: 'hello'; readonly protocol: number; readonly nonce: string }
  | {
      readonly type: 'call';
      readonly id: number;
      readonly method: Method;
      readonly text: string;
      /** A process that does not know it does the call as if it were absent. */
      readonly urgency?: Urgency;
      /** The question of `searchStore`. */
      readonly data?: Uint8Array;
    }
  | { readonly type: 'cancel'; readonly id: number };

/** From the process that has the model. */
export type Reply =
  | ({
      readonly type: 'welcome';
      readonly protocol: number;
      readonly proof: string;
      readonly identity: string;
      readonly processId: number;
      /** The rules of its `searchStore`; absent = it does not have it. */
      readonly searches?: string;
    } & HostState)
  | { readonly type: 'value'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: EncodedError }
  | ({ readonly type: 'state' } & HostState)
  /** Comes every second while calls wait, because a stopped process keeps its connections. */
  | { readonly type: 'alive' };

/** The facts that must be equal for vectors of one process to be those of another. */
export async function identityOf(embedder: Embedder): Promise<string> {
  const { modelId, dimension, weightsHash } = await embedder.modelId();
  return JSON.stringify([modelId, dimension, weightsHash, embedder.tokenSpace ?? '']);
}

export function isMethod(name: unknown): name is Method {
  return typeof name === 'string' && Object.hasOwn(METHODS, name);
}
