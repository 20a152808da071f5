import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { packagePath } from '../../src/util/package-path.ts';

/** The built program; what a client starts. */
export const PROGRAM = packagePath('dist', 'bin', 'faiss-memory.js');

export interface McpProcessOptions {
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Command instead of the program. */
  readonly command?: readonly string[];
  /** Descriptor that the server reads; unlike 0, another one stays open when the child ends. Default 0. */
  readonly inputDescriptor?: 0 | 3;
}

/** Environment of a server under test: its own folder, no model unless asked for. */
export function serverEnvironment({ dataDir, env }: McpProcessOptions): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: dataDir,
    MEMORY_DATA_DIR: dataDir,
    MEMORY_EMBEDDING_PROVIDER: 'none',
    ...env,
  };
}

export interface JsonRpcMessage {
  readonly jsonrpc: '2.0';
  readonly id?: number;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string };
}

/** A server process spoken to in raw JSON-RPC, to see every byte it writes and how it ends. */
export class McpProcess {
  readonly child: ChildProcessWithoutNullStreams;
  readonly input: Writable;
  /** Exit code, or the signal that ended it; settles when all pipes are closed. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  stdout = '';
  stderr = '';
  #nextId = 1;
  readonly #waiting = new Map<number, (answer: JsonRpcMessage) => void>();
  #consumed = 0;

  constructor(options: McpProcessOptions) {
    const [program = '', ...args] = options.command ?? [process.execPath, PROGRAM, 'serve'];
    const env = serverEnvironment(options);
    // The first three are pipes, as the type says.
    this.child = spawn(program, args, {
      env,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    const input = this.child.stdio[options.inputDescriptor ?? 0];
    if (!(input instanceof Writable)) throw new TypeError('the input of a server is a pipe');
    this.input = input.on('error', () => undefined);
    this.child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.stdout += chunk;
      this.#dispatch();
    });
    this.child.stderr.setEncoding('utf8').on('data', (chunk: string) => (this.stderr += chunk));
    this.ended = once(this.child, 'close').then(
      ([code, signal]) => (code ?? signal) as number | NodeJS.Signals | null,
    );
  }

  /** Everything that was written to stdout, each line parsed; throws on a line that is not JSON. */
  get messages(): JsonRpcMessage[] {
    return this.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as JsonRpcMessage);
  }

  async initialize(): Promise<JsonRpcMessage> {
    const answer = await this.request('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    });
    this.send({ method: 'notifications/initialized' });
    return answer;
  }

  request(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<JsonRpcMessage> {
    const id = this.post(method, params);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  callTool(name: string, args: Readonly<Record<string, unknown>>): Promise<JsonRpcMessage> {
    return this.request('tools/call', { name, arguments: args });
  }

  /** Sends a request without waiting for its answer. */
  post(method: string, params: Readonly<Record<string, unknown>>): number {
    const id = this.#nextId++;
    this.send({ id, method, params });
    return id;
  }

  send(message: Readonly<Record<string, unknown>>): void {
    this.input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  #dispatch(): void {
    for (let end = this.#lineEnd(); end >= 0; end = this.#lineEnd()) {
      const line = this.stdout.slice(this.#consumed, end);
      this.#consumed = end + 1;
      // What is not JSON is for `messages` to complain about.
      if (!line.startsWith('{')) continue;
      const message = JSON.parse(line) as JsonRpcMessage;
      if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
    }
  }

  #lineEnd(): number {
    return this.stdout.indexOf('\n', this.#consumed);
  }
}
