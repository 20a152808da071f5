type PlainHeaders = Readonly<Record<string, string>>;

interface RawRequest {
  readonly method: string;
  readonly headers: PlainHeaders;
  readonly body?: string | ReadableStream;
  readonly duplex?: 'half';
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** JSON, or events with JSON in them. */
  readonly text: string;
}

const JSON_HEADERS = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };

/** MCP over Streamable HTTP spoken by hand, to see each status and header. */
export class RawHttp {
  readonly #address: string;
  readonly #headers: PlainHeaders;

  /** @param headers sent with every request */
  constructor(address: string, headers: PlainHeaders = {}) {
    this.#address = address;
    this.#headers = headers;
  }

  /** Posts a message, or a body as it is. */
  async post(message: object | string, headers: PlainHeaders = {}, path = '/mcp'): Promise<RawAnswer> {
    const body = typeof message === 'string' ? message : JSON.stringify(message);
    return this.#send(path, { method: 'POST', headers: { ...JSON_HEADERS, ...headers }, body });
  }

  /** Posts a body without saying how long it is. */
  async postStream(text: string, path = '/mcp'): Promise<RawAnswer> {
    const body = new Blob([text]).stream();
    return this.#send(path, { method: 'POST', headers: JSON_HEADERS, body, duplex: 'half' });
  }

  /** Ends a session. */
  async remove(session: string): Promise<RawAnswer> {
    return this.#send('/mcp', { method: 'DELETE', headers: { 'Mcp-Session-Id': session } });
  }

  /** Starts a session as a client of the 2025 protocols does. @returns its id */
  async startSession(): Promise<string> {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    };
    const { headers } = await this.post({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    const session = headers.get('mcp-session-id');
    if (session === null) throw new Error('the server started no session');
    await this.post({ jsonrpc: '2.0', method: 'notifications/initialized' }, { 'Mcp-Session-Id': session });
    return session;
  }

  async #send(path: string, request: RawRequest): Promise<RawAnswer> {
    const headers = { ...this.#headers, ...request.headers };
    const response = await fetch(new URL(path, this.#address), { ...request, headers });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }
}
