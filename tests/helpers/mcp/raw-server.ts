import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { PROGRAM, serverEnvironment } from './server-environment.ts';

interface Answer {
  readonly id: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string };
}

export interface ToolResult {
  readonly text: string;
  readonly data: Record<string, unknown>;
  readonly isError: boolean;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server process spoken to by hand, to see each byte and the exit. It is killed after the test. */
export class RawServer {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly exited: Promise<Exit>;
  stdout = '';
  stderr = '';
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;
  #read = 0;

  constructor(dataDir: string, overrides: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [PROGRAM], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: serverEnvironment(dataDir, overrides),
    });
    this.child.stdin.on('error', () => undefined);
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#receive();
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.exited = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        resolve({ code, signal });
      });
    });
    onTestFinished(async () => {
      this.child.kill('SIGKILL');
      await this.exited;
    });
  }

  /** Sends a request; rejects when the process ends without an answer. */
  async request(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.send({ jsonrpc: '2.0', id, method, params });
    const answer = await Promise.race([answered, this.exited]);
    if (!('id' in answer)) throw new Error(`the server ended (${JSON.stringify(answer)}): ${this.stderr}`);
    if (answer.error !== undefined) throw new Error(`${answer.error.code}: ${answer.error.message}`);
    return answer.result ?? {};
  }

  send(message: object): void {
    this.child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  async initialize(): Promise<Record<string, unknown>> {
    const result = await this.request('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    });
    this.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return result;
  }

  async call(name: string, values: object = {}): Promise<ToolResult> {
    const result = await this.request('tools/call', { name, arguments: values });
    const [content] = result['content'] as { text: string }[];
    return {
      text: content?.text ?? '',
      data: (result['structuredContent'] ?? {}) as Record<string, unknown>,
      isError: result['isError'] === true,
    };
  }

  #receive(): void {
    for (;;) {
      const end = this.stdout.indexOf('\n', this.#read);
      if (end === -1) return;
      const line = this.stdout.slice(this.#read, end);
      this.#read = end + 1;
      const answer = parse(line);
      if (answer !== undefined) this.#waiting.get(answer.id)?.(answer);
    }
  }
}

/** Undefined for a line that is no answer; what must not be there is for the tests to find. */
function parse(line: string): Answer | undefined {
  try {
    const message = JSON.parse(line) as Answer;
    return typeof message.id === 'number' ? message : undefined;
  } catch {
    return undefined;
  }
}
