import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { clientKinds, type ConnectedClient } from '../mcp/clients.ts';
import { PROGRAM, serverEnvironment, temporaryFolder } from '../mcp/server-environment.ts';

export interface MachineRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface MachineRunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Kills the process, and nothing else, when it aborts. */
  readonly killBy?: AbortSignal;
}

/** A machine of a user: one data folder and the settings of one user, for the built program. */
export class SyncMachine {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;

  /** @param environment settings beside those of every test */
  constructor(environment: Readonly<Record<string, string>>, folder = temporaryFolder()) {
    this.folder = folder;
    this.environment = environment;
  }

  /** Runs a command to its end, whatever that is. */
  async run(args: readonly string[], options: MachineRunOptions = {}): Promise<MachineRun> {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      env: serverEnvironment(this.folder, { ...this.environment, ...options.environment }),
    });
    const kill = (): void => {
      child.kill('SIGKILL');
    };
    options.killBy?.addEventListener('abort', kill);
    child.stdin.on('error', () => undefined).end(options.input ?? '');
    const [stdout, stderr, [code, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
    ]);
    options.killBy?.removeEventListener('abort', kill);
    return { code, signal, stdout, stderr };
  }

  /** The JSON result of a command. @throws Error when the command failed */
  async json<Result = Record<string, unknown>>(
    args: readonly string[],
    options: MachineRunOptions = {},
  ): Promise<Result> {
    const run = await this.run([...args, '--json'], options);
    if (run.code !== 0)
      throw new Error(`${args.join(' ')} ended with ${run.code}: ${run.stdout}${run.stderr}`);
    // The caller says what the command prints; the tests compare its members.
    return JSON.parse(run.stdout) as Result;
  }

  /** The `{ code, message, fix }` of a command that must fail. */
  async failure(args: readonly string[], options: MachineRunOptions = {}): Promise<MachineFailure> {
    const run = await this.run([...args, '--json'], options);
    if (run.code === 0 || run.code === null) throw new Error(`${args.join(' ')} ended with ${run.code}`);
    return (JSON.parse(run.stdout) as { error: MachineFailure }).error;
  }

  /** Adds memories and returns their ids. */
  async add(...texts: readonly string[]): Promise<string[]> {
    const lines = texts.map((line) => JSON.stringify({ text: line })).join('\n');
    await this.json(['import', '-'], { input: lines });
    const byText = new Map((await this.memories()).map(({ id, text: body }) => [body, id]));
    return texts.map((body) => byText.get(body) ?? '');
  }

  /** All live memories. */
  async memories(): Promise<{ readonly id: string; readonly text: string }[]> {
    return (await this.json<{ memories: { id: string; text: string }[] }>(['list', '-n', '1000'])).memories;
  }

  /** Texts of all live memories, sorted. */
  async texts(): Promise<string[]> {
    return (await this.memories()).map(({ text: body }) => body).toSorted();
  }

  async digests(): Promise<{ readonly contentDigest: string; readonly stateDigest: string }> {
    const { content, state } = await this.json<Record<string, string>>(['stats']);
    return { contentDigest: content ?? '', stateDigest: state ?? '' };
  }

  async machineId(): Promise<string> {
    return (await this.json<{ machine: string }>(['stats'])).machine;
  }

  /** A server over stdio with a client of the newest protocol; closed after the test. */
  connect(environment: Readonly<Record<string, string>> = {}): Promise<ConnectedClient> {
    const newest = clientKinds.find(({ name }) => name === 'SDK v2, 2026-07-28');
    if (newest === undefined) throw new Error('that client is gone');
    return newest.connect(this.folder, { ...this.environment, ...environment });
  }
}

export interface MachineFailure {
  readonly code: string;
  readonly message: string;
  readonly fix?: string;
}
