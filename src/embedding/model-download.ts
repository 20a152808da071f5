import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm, stat, statfs } from 'node:fs/promises';
import { type IncomingMessage, request as requestHttp, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddingUnavailableError } from '../errors/embedding-errors.ts';
import { createFolders, syncFolder } from '../util/durable-file.ts';
import { renamePatiently } from '../util/rename.ts';
import { tlsProblem } from '../util/network-problem.ts';
import { findProxy, isLoopbackAddress, ProxyError } from '../util/proxy.ts';
import { TunnelAgent } from '../util/proxy-requests.ts';
import { problemOf, type SizedFile, writeModelCard } from './model-card.ts';
import { cardOf, type KnownModel, modelBytes } from './model-catalogue.ts';
import { reasonOf } from '../util/caught.ts';

export interface ModelDownload {
  readonly model: KnownModel;
  /** Folder of all models; the model becomes a folder in it. */
  readonly modelsFolder: string;
  /** Address of the hub. @default 'https://huggingface.co' */
  readonly hub?: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (bytes: { readonly done: number; readonly total: number }) => void;
  /** Base of the pauses between tries, in milliseconds; it doubles. @default 1000 */
  readonly retryDelayMs?: number;
}

export const DEFAULT_HUB = 'https://huggingface.co';
/** Hosts that the hub sends its large files from, and those below them. */
const HUB_HOSTS = ['huggingface.co', 'hf.co'] as const;
const ATTEMPTS = 5;
const REDIRECTS = 5;
/** Time without a single byte after which a connection counts as lost. */
const SILENCE_MS = 60_000;
/** The space that the disk keeps free beside the model. */
const RESERVE_BYTES = 64 * 1024 * 1024;

/**
 * Fetches the files of a model into a folder that appears complete and checked, or not at all. Files that were fetched before
 * an interruption stays beside it, and the next call goes on from there.
 * @returns the folder
 * @throws EmbeddingUnavailableError, or the reason of the signal
 */
export async function downloadModel(download: ModelDownload): Promise<string> {
  const { model, modelsFolder, onProgress } = download;
  const hub = hubAddress(download.hub ?? DEFAULT_HUB);
  const target = join(modelsFolder, model.name);
  const partial = join(modelsFolder, `.partial-${model.name}`);
  const total = modelBytes(model);
  try {
    createFolders(partial);
    await checkSpace(partial, total);
    let before = 0;
    for (const file of [model.tokenizer, model.weights]) {
      const url = new URL(`${model.repository}/resolve/${model.revision}/${file.path}`, hub);
      const done = before;
      await fetchFile(download, {
        url,
        file,
        path: join(partial, file.path),
        onBytes: (bytes) => {
          onProgress({ done: done + bytes, total });
        },
      });
      before += file.bytes;
    }
    await writeModelCard(partial, cardOf(model));
    await rm(target, { recursive: true, force: true });
    await renamePatiently(partial, target);
    await syncFolder(modelsFolder);
    return target;
  } catch (error) {
    throw diskFailure(error, modelsFolder) ?? error;
  }
}

/** @throws EmbeddingUnavailableError unless it is encrypted, or on this machine */
function hubAddress(address: string): URL {
  const url = URL.canParse(address) ? new URL(`${address.replace(/\/+$/, '')}/`) : undefined;
  if (
    url !== undefined &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackAddress(url)))
  )
    return url;
  throw failed(
    `HF_ENDPOINT is ${address}, and models are fetched over https only`,
    'Set it to an address that begins with https://, or unset it.',
  );
}

async function checkSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < bytes + RESERVE_BYTES) throw full(folder);
}

interface FileDownload {
  readonly url: URL;
  readonly file: SizedFile;
  readonly path: string;
  readonly onBytes: (bytes: number) => void;
}

/** Goes on after a lost connection, from the last byte that arrived. */
async function fetchFile(download: ModelDownload, part: FileDownload): Promise<void> {
  const { signal, retryDelayMs = 1_000 } = download;
  await mkdir(dirname(part.path), { recursive: true });
  for (let attempt = 1; ; attempt += 1) {
    try {
      await receive(part, signal);
      break;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof LostConnectionError) || attempt === ATTEMPTS) throw explained(error, part.url);
      await sleep(retryDelayMs * 2 ** (attempt - 1), undefined, { signal });
    }
  }
}

/** The connection ended, or never was; another try may help. */
class LostConnectionError extends Error {}

async function receive({ url, file, path, onBytes }: FileDownload, signal: AbortSignal): Promise<void> {
  const kept = await keptPart(path, file);
  let { bytes, hash } = kept;
  onBytes(bytes);
  if (bytes < file.bytes) {
    const answer = await ask(url, bytes, signal);
    if (answer.statusCode === 200) [bytes, hash] = [0, createHash('sha256')];
    checkAnswer(answer, { url, file, from: bytes });
    const handle = await open(path, bytes === 0 ? 'w' : 'a', 0o644);
    try {
      for await (const chunk of received(answer, signal)) {
        if (bytes === 0) checkBeginning(chunk, url, file);
        bytes += chunk.length;
        if (bytes > file.bytes) throw wrongSize(url, file, `more than ${file.bytes}`);
        hash.update(chunk);
        await handle.appendFile(chunk);
        onBytes(bytes);
      }
      await handle.sync();
    } finally {
      answer.destroy();
      await handle.close();
    }
    if (bytes < file.bytes) throw new LostConnectionError(`it ended after ${bytes} of ${file.bytes} bytes`);
  }
  const actual = hash.digest('hex');
  if (actual === file.sha256) return;
  await rm(path, { force: true });
  throw failed(
    `${url.href} is not the file that is expected: its SHA-256 is ${actual}, not ${file.sha256}`,
    'Run the command again; if it says the same, something between here and the hub changes files, or HF_ENDPOINT names a wrong mirror.',
  );
}

/** The part that an interrupted download left; nothing when it cannot be the beginning of the file. */
async function keptPart(path: string, file: SizedFile): Promise<{ bytes: number; hash: Hash }> {
  const found = await stat(path).catch(() => undefined);
  const hash = createHash('sha256');
  if (found === undefined || found.size === 0 || found.size > file.bytes) return { bytes: 0, hash };
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return { bytes: found.size, hash };
}

async function* received(answer: IncomingMessage, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of answer) yield chunk as Buffer;
  } catch (error) {
    signal.throwIfAborted();
    throw new LostConnectionError(reasonOf(error), { cause: error });
  }
}

/** Follows redirects within the hub. */
async function ask(first: URL, from: number, signal: AbortSignal): Promise<IncomingMessage> {
  let url = first;
  for (let hop = 0; hop <= REDIRECTS; hop += 1) {
    const answer = await send(url, from, signal);
    const { location } = answer.headers;
    const redirects = [301, 302, 303, 307, 308].includes(answer.statusCode ?? 0);
    if (!redirects || location === undefined) return answer;
    answer.destroy();
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (next === undefined || !isOfHub(next, first)) {
      throw failed(
        `${first.host} sends on to ${next?.host ?? location}, which is not a host of the hub`,
        'Look whether this network asks for a login in the browser first, and whether HF_ENDPOINT is right.',
      );
    }
    url = next;
  }
  throw failed(`${first.href} sends on again and again`, 'Try again later.');
}

function isOfHub(url: URL, first: URL): boolean {
  if (url.host === first.host && url.protocol === first.protocol) return true;
  const ofHub = HUB_HOSTS.some((host) => url.hostname === host || url.hostname.endsWith(`.${host}`));
  return ofHub && url.protocol === 'https:';
}

function send(url: URL, from: number, signal: AbortSignal): Promise<IncomingMessage> {
  const proxy = findProxy(url.href);
  const encrypted = url.protocol === 'https:';
  const options: RequestOptions = {
    signal,
    timeout: SILENCE_MS,
    headers: {
      'user-agent': 'faiss-memory',
      // The size is known, so nothing may pack the file.
      'accept-encoding': 'identity',
      ...(from === 0 ? {} : { range: `bytes=${from}-` }),
    },
    ...(encrypted && proxy !== undefined ? { agent: new TunnelAgent(proxy) } : {}),
  };
  return new Promise((resolve, reject) => {
    const request = encrypted ? requestHttps(url, options) : requestHttp(url, options);
    request
      .once('timeout', () => request.destroy(new Error(`silence for ${SILENCE_MS / 1_000} s`)))
      .once('response', resolve)
      .once('error', (cause) => {
        const lasting = cause instanceof ProxyError || tlsProblem(cause) !== undefined || signal.aborted;
        reject(lasting ? cause : new LostConnectionError(cause.message, { cause }));
      })
      .end();
  });
}

function checkAnswer(
  { statusCode = 0, headers }: IncomingMessage,
  { url, file, from }: { url: URL; file: SizedFile; from: number },
): void {
  if (statusCode >= 500 || statusCode === 429) throw new LostConnectionError(`HTTP ${statusCode}`);
  if (statusCode !== 200 && statusCode !== 206) {
    throw failed(
      `${url.href} is not there (HTTP ${statusCode})`,
      'Try again later, or fetch the files by hand: see docs/configuration.md.',
    );
  }
  if (headers['content-type']?.startsWith('text/html') === true) throw aPage(url);
  const length = headers['content-length'];
  if (length !== undefined && Number(length) !== file.bytes - from)
    throw wrongSize(url, file, String(from + Number(length)));
}

function checkBeginning(chunk: Buffer, url: URL, file: SizedFile): void {
  const what = file.path.endsWith('.json') ? 'tokenizer' : 'weights';
  if (problemOf(chunk.subarray(0, 512), what) !== undefined) throw aPage(url);
}

function aPage(url: URL): EmbeddingUnavailableError {
  return failed(
    `${url.host} answers with something else than the file ${url.pathname}`,
    'Look whether this network asks for a login in the browser first, and whether HF_ENDPOINT is right.',
  );
}

function wrongSize(url: URL, file: SizedFile, bytes: string): EmbeddingUnavailableError {
  return failed(
    `${url.href} has ${bytes} bytes, not ${file.bytes}`,
    'Look whether this network asks for a login in the browser first, and whether HF_ENDPOINT is right.',
  );
}

function explained(error: unknown, url: URL): unknown {
  if (error instanceof ProxyError) return failed(error.message, error.fix, error);
  const tls = tlsProblem(error);
  if (tls !== undefined) return failed(`${url.host} ${tls.problem}`, tls.fix, error);
  if (!(error instanceof LostConnectionError)) return error;
  return failed(
    `${url.href} could not be fetched: ${error.message}`,
    'Check the network, and run the command again: it goes on where it ended. Without a network, copy the files by hand: see docs/configuration.md.',
    error,
  );
}

function diskFailure(error: unknown, folder: string): EmbeddingUnavailableError | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOSPC' || code === 'EDQUOT') return full(folder, error);
  if (!['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'].includes(code)) return undefined;
  const reason = error instanceof Error ? error.message : code;
  return failed(`The folder ${folder} cannot be written: ${reason}`, 'Repair its permissions.', error);
}

function full(folder: string, cause?: unknown): EmbeddingUnavailableError {
  return failed(
    `The disk of ${folder} has no room for the model`,
    'Free some space on this disk, and run the command again.',
    cause,
  );
}

function failed(message: string, fix: string, cause?: unknown): EmbeddingUnavailableError {
  return new EmbeddingUnavailableError(message, { fix, retryable: false, cause });
}
