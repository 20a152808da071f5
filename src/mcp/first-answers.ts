import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { isObject } from '../util/json.ts';

/**
 * Answers that do not depend on anything but the program, as the server gave them when the program was built. With them
 * a client is connected before the SDK is loaded, which takes longer than the rest of the start.
 */
export interface FirstAnswers {
  /** Protocol version to the result of `initialize`, as JSON. */
  readonly initialize: Readonly<Record<string, string>>;
  /** Result of `tools/list`, as JSON; the same in each of these versions. */
  readonly tools: string;
}

/**
 * The file that the build writes, beside this very code: the answers of one build are not those of another.
 */
const FILE = new URL('../runtime/first-answers.json', import.meta.url);

/** Undefined where the program was not built: then the server itself answers. */
export function readFirstAnswers(file: URL = FILE): FirstAnswers | undefined {
  try {
    const { initialize, tools } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    if (!isObject(initialize) || typeof tools !== 'string') return undefined;
    if (!Object.values(initialize).every((result) => typeof result === 'string')) return undefined;
    return { initialize: initialize as Record<string, string>, tools };
  } catch {
    return undefined;
  }
}

/** A line of a client that needs no server. */
export interface Answered {
  readonly method: 'initialize' | 'notifications/initialized' | 'tools/list';
  /** JSON without a line feed; undefined for a notification. */
  readonly answer?: string;
}

/**
 * Reads the first messages of one client. Whatever is not exactly as usual is left to the server, and so is everything
 * after it, because answers keep the order of their questions.
 */
export class FirstMessages {
  readonly #answers: FirstAnswers;
  #initialized = false;

  constructor(answers: FirstAnswers) {
    this.#answers = answers;
  }

  /** Undefined for a line that the server has to answer. */
  answer(line: Buffer): Answered | undefined {
    const message = line.length > LONGEST || !isUtf8(line) ? undefined : readMessage(line);
    if (message === undefined) return undefined;
    const { id, method, params } = message;
    if (method === 'notifications/initialized') {
      return this.#initialized && id === undefined && params === undefined ? { method } : undefined;
    }
    if (typeof id !== 'string' && !Number.isSafeInteger(id)) return undefined;
    const result = this.#resultOf(method, params);
    if (result === undefined) return undefined;
    return {
      method: result.method,
      answer: `{"result":${result.json},"jsonrpc":"2.0","id":${JSON.stringify(id)}}`,
    };
  }

  #resultOf(
    method: unknown,
    params: unknown,
  ): { readonly method: 'initialize' | 'tools/list'; readonly json: string } | undefined {
    if (method === 'tools/list') {
      return this.#initialized && isEmpty(params) ? { method, json: this.#answers.tools } : undefined;
    }
    if (method !== 'initialize' || this.#initialized || !isUsualStart(params)) return undefined;
    const { protocolVersion } = params;
    const { initialize } = this.#answers;
    if (!Object.hasOwn(initialize, protocolVersion)) return undefined;
    this.#initialized = true;
    return { method, json: initialize[protocolVersion] ?? '' };
  }
}

/** Bytes; longer messages are not usual. */
const LONGEST = 16_384;

function readMessage(line: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    if (!isObject(value) || value['jsonrpc'] !== '2.0') return undefined;
    return hasOnly(value, ['jsonrpc', 'id', 'method', 'params']) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEmpty(params: unknown): boolean {
  return params === undefined || (isObject(params) && Object.keys(params).length === 0);
}

/** True for parameters in which the SDK could find no mistake. */
function isUsualStart(params: unknown): params is { readonly protocolVersion: string } {
  if (!isObject(params) || !hasOnly(params, ['protocolVersion', 'capabilities', 'clientInfo'])) return false;
  const { protocolVersion, capabilities, clientInfo } = params;
  return typeof protocolVersion === 'string' && isUsualClient(clientInfo) && areUsual(capabilities);
}

function isUsualClient(clientInfo: unknown): boolean {
  if (!isObject(clientInfo)) return false;
  const { name, version, ...rest } = clientInfo;
  if (typeof name !== 'string' || typeof version !== 'string') return false;
  return (
    hasOnly(rest, ['title', 'description', 'websiteUrl']) &&
    Object.values(rest).every((value) => typeof value === 'string')
  );
}

/** Which members each capability may have; each is an object, or `listChanged`. */
const CAPABILITIES: Readonly<Record<string, readonly string[]>> = {
  roots: ['listChanged'],
  sampling: ['tools', 'context'],
  elicitation: ['form', 'url'],
  experimental: [],
  extensions: [],
};

function areUsual(capabilities: unknown): boolean {
  if (!isObject(capabilities)) return false;
  return Object.entries(capabilities).every(([name, value]) => {
    const members = Object.hasOwn(CAPABILITIES, name) ? CAPABILITIES[name] : undefined;
    if (members === undefined || !isObject(value) || !hasOnly(value, members)) return false;
    return Object.entries(value).every(([member, inner]) =>
      member === 'listChanged' ? typeof inner === 'boolean' : isEmpty(inner) && inner !== undefined,
    );
  });
}

function hasOnly(value: Readonly<Record<string, unknown>>, names: readonly string[]): boolean {
  return Object.keys(value).every((name) => names.includes(name));
}
