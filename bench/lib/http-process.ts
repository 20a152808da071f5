import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

const READ_PORT = `
  const { createServer } = require('node:http');
  const body = 'x'.repeat(Number(process.argv[1]));
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'Content-Type': 'application/json' }).end(body));
  });
  server.listen(0, '127.0.0.1', () => console.error('Memories at http://127.0.0.1:' + server.address().port + ' '));
`;

/** A server in a process of its own. */
export class HttpProcess {
  readonly address: string;
  readonly #child: ChildProcess;

  private constructor(address: string, child: ChildProcess) {
    this.address = address;
    this.#child = child;
  }

  /** The built program on a data folder. */
  static start(dataDir: string): Promise<HttpProcess> {
    const env = {
      ...process.env,
      MEMORY_DATA_DIR: dataDir,
      MEMORY_HTTP_RATE_LIMIT: '0',
      MEMORY_BACKUP_ENABLED: '0',
    };
    return HttpProcess.#spawn(['dist/bin/faiss-memory.js', 'serve', '--http', '--port', '0'], env);
  }

  /** Node's own server, which answers so many bytes to everything: the least that HTTP costs. */
  static startBare(bytes: number): Promise<HttpProcess> {
    return HttpProcess.#spawn(['-e', READ_PORT, String(bytes)], process.env);
  }

  static async #spawn(args: readonly string[], env: NodeJS.ProcessEnv): Promise<HttpProcess> {
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let printed = '';
    for await (const chunk of child.stderr) {
      printed += String(chunk);
      const address = /Memories at (\S+) /.exec(printed)?.[1];
      if (address === undefined) continue;
      child.stderr.resume();
      return new HttpProcess(address, child);
    }
    throw new Error(`the server ended: ${printed}`);
  }

  /** Resident memory in MB. */
  get rss(): number {
    const status = readFileSync(`/proc/${this.#child.pid ?? 0}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN) / 1_024;
  }

  /** Asks it to end. @returns the exit code */
  async stop(): Promise<number | null> {
    const ended = once(this.#child, 'exit') as Promise<[number | null]>;
    this.#child.kill('SIGTERM');
    return (await ended)[0];
  }
}
