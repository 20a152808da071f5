import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { programCommand } from './measured-program.ts';

const READ_PORT = `
  const { createServer } = require('node:http');
  const body = 'x'.repeat(Number(process.argv[1]));
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'Content-Type': 'application/json' }).end(body));
  });
  server.listen(0, '127.0.0.1', () => console.error('Memories at http://127.0.0.1:' + server.address().port + ' '));
`;

/** A tool that answers with a text of so many bytes, by the SDK alone. */
const TRIVIAL_TOOL = `
  import { createServer } from 'node:http';
  import { getRequestListener } from '@hono/node-server';
  import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
  import { z } from 'zod';
  const text = 'x'.repeat(Number(process.argv[1]));
  const build = () => {
    const server = new McpServer({ name: 'trivial', version: '1' });
    const inputSchema = z.object({ query: z.string(), mode: z.string() });
    server.registerTool('memory_search', { inputSchema }, () => ({ content: [{ type: 'text', text }] }));
    return server;
  };
  const handler = createMcpHandler(build);
  const server = createServer(getRequestListener((request) => handler.fetch(request)));
  server.listen(0, '127.0.0.1', () => console.error('Memories at http://127.0.0.1:' + server.address().port + ' '));
`;

/** An HTTP server in its own process. */
export class HttpProcess {
  readonly address: string;
  readonly #child: ChildProcess;

  private constructor(address: string, child: ChildProcess) {
    this.address = address;
    this.#child = child;
  }

  /** Starts the built program on a data folder. @param folder of the package that was built */
  static start(
    dataDir: string,
    folder = '.',
    env: Readonly<Record<string, string>> = {},
  ): Promise<HttpProcess> {
    const all = {
      ...process.env,
      MEMORY_DATA_DIR: dataDir,
      MEMORY_HTTP_RATE_LIMIT: '0',
      MEMORY_BACKUP_ENABLED: '0',
      // The vectors of a filled store are made up, so the model would make token vectors of all memories meanwhile.
      MEMORY_TOKEN_VECTORS: 'false',
      ...env,
    };
    return HttpProcess.#spawn(programCommand(['serve', '--http', '--port', '0'], folder), all);
  }

  /** Starts a bare Node server that answers every request with this number of bytes: the minimum cost of HTTP. */
  static startBare(bytes: number): Promise<HttpProcess> {
    return HttpProcess.#spawn(['-e', READ_PORT, String(bytes)], process.env);
  }

  /** Starts the SDK's server with one tool that does nothing: the minimum cost of MCP over HTTP. */
  static startTrivialTool(bytes: number): Promise<HttpProcess> {
    return HttpProcess.#spawn(['--input-type=module', '-e', TRIVIAL_TOOL, String(bytes)], process.env);
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

  /** Processor time of all threads so far in milliseconds; Linux only. */
  get cpuMs(): number {
    return cpuMsOf(this.#child.pid);
  }

  /** Sends SIGTERM and waits for the end. @returns the exit code */
  async stop(): Promise<number | null> {
    const ended = once(this.#child, 'exit') as Promise<[number | null]>;
    this.#child.kill('SIGTERM');
    return (await ended)[0];
  }
}

/** Clock ticks of Linux are hundredths of a second for every program. */
const TICK_MS = 10;

/** Processor time of a process in milliseconds; 0 when it is gone, and where the system does not tell. */
export function cpuMsOf(pid: number | undefined): number {
  try {
    const stat = readFileSync(`/proc/${pid ?? 0}/stat`, 'utf8');
    // After the name, which may contain spaces, in brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return 0;
  }
}
