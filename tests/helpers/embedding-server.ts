import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeEmbedder } from '../../src/embedding/fake-embedder.ts';
import { withBody } from './with-body.ts';

export interface EmbeddingServer {
  /** Base address up to and including the version. */
  readonly url: string;
  /** Bodies of the requests so far. */
  readonly requests: { readonly authorization: string | undefined; readonly body: Record<string, unknown> }[];
  /** Answers the next requests, in order, instead of embedding. */
  readonly script: ((response: ServerResponse) => void)[];
  close(): Promise<void>;
}

/** A local server with OpenAI's `POST /v1/embeddings`. */
export async function startEmbeddingServer(): Promise<EmbeddingServer> {
  const embedder = new FakeEmbedder();
  const requests: EmbeddingServer['requests'] = [];
  const script: EmbeddingServer['script'] = [];
  const answer = async (request: IncomingMessage, sent: Buffer, response: ServerResponse): Promise<void> => {
    const body = JSON.parse(sent.toString('utf8')) as { input: string | string[]; model: string };
    requests.push({ authorization: request.headers.authorization, body });
    const scripted = script.shift();
    if (scripted !== undefined) {
      scripted(response);
      return;
    }
    const inputs = Array.isArray(body.input) ? body.input : [body.input];
    const vectors = await Promise.all(inputs.map((text) => embedder.embedQuery(text)));
    const data = vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: Array.from(vector, (value) => value * 3),
    }));
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        object: 'list',
        model: body.model,
        data: data.reverse(),
        usage: { prompt_tokens: 1, total_tokens: 1 },
      }),
    );
  };
  const server = createServer((request, response) => {
    if (request.method === 'POST' && request.url === '/v1/embeddings')
      withBody(request, (sent) => answer(request, sent, response));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server that listens has an address of this kind.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    script,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}
