import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { KnownModel } from '../../src/embedding/model-catalogue.ts';
import { TINY_DIMENSION, tinyTokenizer, tinyWeights } from './tiny-model.ts';

export interface ModelHub {
  readonly url: string;
  readonly model: KnownModel;
  /** Requests so far: path, and range when there was one. */
  readonly requests: string[];
  /** Answers the next requests for the weights, in order, instead of the hub. */
  readonly script: ((response: ServerResponse, file: Buffer, request: IncomingMessage) => void)[];
}

const REVISION = '0123456789abcdef0123456789abcdef01234567';

/** A hub on this machine with one tiny model, which is gone after the test. */
export async function startModelHub(): Promise<ModelHub> {
  const files = { weights: tinyWeights(), tokenizer: Buffer.from(tinyTokenizer()) };
  const model: KnownModel = {
    name: 'tiny-e5',
    dimension: TINY_DIMENSION,
    maxTokens: 512,
    pooling: 'mean',
    queryPrefix: 'query: ',
    passagePrefix: 'passage: ',
    reads: 'tests',
    licence: 'MIT',
    source: 'https://huggingface.co/tests/tiny-e5',
    repository: 'tests/tiny-e5',
    revision: REVISION,
    weights: sized('onnx/model_quantized.onnx', files.weights),
    tokenizer: sized('tokenizer.json', files.tokenizer),
  };
  const requests: string[] = [];
  const script: ModelHub['script'] = [];
  const server = createServer((request, response) => {
    const { url = '', headers } = request;
    requests.push(headers.range === undefined ? url : `${url} ${headers.range}`);
    const path = url.replace(`/${model.repository}/resolve/${REVISION}/`, '');
    const file =
      path === model.weights.path ? files.weights : path === 'tokenizer.json' ? files.tokenizer : undefined;
    if (file === undefined) response.writeHead(404).end();
    else if (file === files.weights && script.length > 0) script.shift()?.(response, file, request);
    else sendFile(response, file, headers.range);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  // A TCP server that listens has an address of this kind.
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, model, requests, script };
}

export function sendFile(response: ServerResponse, file: Buffer, range?: string): void {
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
  response.writeHead(from === 0 ? 200 : 206, { 'content-length': file.length - from });
  response.end(file.subarray(from));
}

function sized(path: string, content: Buffer): KnownModel['weights'] {
  return { path, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}
