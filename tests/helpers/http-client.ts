/** What a server answered to one request. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The members of a JSON answer; empty for every other. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Calls a REST API as its users do: fields of POST and PATCH as JSON. */
export interface HttpClient {
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<HttpAnswer>;
  post(path: string, fields?: object, headers?: Readonly<Record<string, string>>): Promise<HttpAnswer>;
  patch(path: string, fields: object): Promise<HttpAnswer>;
  remove(path: string): Promise<HttpAnswer>;
  send(path: string, options: RequestInit): Promise<HttpAnswer>;
}

/** @param base address, for example `http://127.0.0.1:40123` @param ask sends a request; default: as Node.js does */
export function httpClient(
  base: string,
  always: Readonly<Record<string, string>> = {},
  ask = fetch,
): HttpClient {
  const send = async (path: string, options: RequestInit): Promise<HttpAnswer> =>
    readAnswer(await ask(base + path, { redirect: 'manual', ...options }));
  const withFields = (method: string, fields: object | undefined, more = {}): RequestInit => ({
    method,
    headers: { 'Content-Type': 'application/json', ...always, ...more },
    ...(fields === undefined ? {} : { body: JSON.stringify(fields) }),
  });
  return {
    get: (path, headers) => send(path, { headers: { ...always, ...headers } }),
    post: (path, fields, headers) => send(path, withFields('POST', fields, headers)),
    patch: (path, fields) => send(path, withFields('PATCH', fields)),
    remove: (path) => send(path, { method: 'DELETE', headers: always }),
    send,
  };
}

async function readAnswer(response: Response): Promise<HttpAnswer> {
  const text = await response.text();
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '') && text !== '';
  const data: unknown = isJson ? JSON.parse(text) : {};
  // The answers of the API are objects; another one fails the test that looks into it.
  return { status: response.status, headers: response.headers, text, data: data as HttpAnswer['data'] };
}
