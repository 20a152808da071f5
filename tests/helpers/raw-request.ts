import { request as plainRequest } from 'node:http';
import { request as tlsRequest, type RequestOptions } from 'node:https';
import { connect } from 'node:net';
import { buffer, text } from 'node:stream/consumers';

/** A request as it is put on the wire; `fetch` would mend paths and refuse some headers. */
export interface RawRequest {
  readonly method: string;
  /** With the query; sent as it is. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** @param address for example `http://127.0.0.1:40123` */
export function sendRaw(
  address: string,
  { method, path, headers = {}, body }: RawRequest,
  options: Pick<RequestOptions, 'agent' | 'ca' | 'signal'> = {},
): Promise<RawAnswer> {
  const { protocol, hostname, port } = new URL(address);
  const request = protocol === 'https:' ? tlsRequest : plainRequest;
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { hostname, port, method, path, headers: { ...length, ...headers }, ...options },
      (answer) => {
        buffer(answer).then((bytes) => {
          const { statusCode: status = 0, headers: given } = answer;
          resolve({ status, headers: given, text: bytes.toString('utf8') });
        }, reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Writes bytes to a server, and reads until it closes the connection. */
export async function sendBytes(address: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(address);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(bytes);
  return text(socket);
}
