import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type HttpClient, httpClient } from './http-client.ts';
import { launchServer, type RunningHttpServer } from './http-server.ts';
import { type ProgramRun, runProgram } from './run-program.ts';

/** A replica, which can be killed and started again on its folder. */
export class Replica {
  readonly #folder = mkdtempSync(join(tmpdir(), 'faiss-memory-team-'));
  readonly #env: Readonly<Record<string, string>>;
  #server: RunningHttpServer | null = null;

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
  }

  get api(): ReturnType<typeof httpClient> {
    return httpClient(this.address);
  }

  get address(): string {
    if (this.#server === null) throw new Error('The replica does not run');
    return this.#server.address;
  }

  get isRunning(): boolean {
    return this.#server !== null;
  }

  async start(): Promise<this> {
    this.#server = await launchServer({ dataDir: this.#folder, env: this.#env });
    return this;
  }

  /** Another program on the same folder. */
  run(...args: readonly string[]): Promise<ProgramRun> {
    return runProgram(args, { dataDir: this.#folder, env: this.#env });
  }

  /** As the system kills a process. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    server?.child.kill('SIGKILL');
    await server?.stop();
  }

  /** Loses the folder too, as a container does. */
  async lose(): Promise<void> {
    await this.kill();
    rmSync(join(this.#folder, 'memories'), { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = null;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Who writes where; default: everybody without a token into the one store. */
export interface TeamWriters {
  readonly headersOf: (writer: number) => Readonly<Record<string, string>>;
  /** Of the space, for example `/spaces/kitchen`. */
  readonly prefixOf: (writer: number) => string;
}

const ONE_STORE: TeamWriters = { headersOf: () => ({}), prefixOf: () => '' };

/** Writers that send memories to all replicas, and know what was acknowledged. */
export class TeamLoad {
  /** Texts of memories whose writes were acknowledged. */
  readonly acknowledged = new Set<string>();
  refused = 0;
  readonly #replicas: readonly Replica[];
  readonly #who: TeamWriters;
  readonly #writers: Promise<void>[] = [];
  #stopped = false;
  #paused = false;
  #sending = 0;

  constructor(replicas: readonly Replica[], writers: number, who = ONE_STORE) {
    this.#replicas = replicas;
    this.#who = who;
    for (let writer = 0; writer < writers; writer += 1) this.#writers.push(this.#write(writer));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#writers);
  }

  /** Resolves when no write is on its way. */
  async pause(): Promise<void> {
    this.#paused = true;
    while (this.#sending > 0) await delay(10);
  }

  resume(): void {
    this.#paused = false;
  }

  /** Resolves when so many more writes were acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.acknowledged.size + count;
    while (this.acknowledged.size < goal) await delay(10);
  }

  async #write(writer: number): Promise<void> {
    for (let number = 0; !this.#stopped; number += 1) {
      const text = `writer ${writer} tells fact number ${number}`;
      // A write without an answer is sent again, as clients do.
      while (!(await this.#send(writer, text))) {
        await delay(20);
      }
    }
  }

  async #send(writer: number, text: string): Promise<boolean> {
    const running = this.#replicas.filter(({ isRunning }) => isRunning);
    const replica = running[Math.floor(Math.random() * running.length)];
    if (replica === undefined || this.#paused) return false;
    this.#sending += 1;
    try {
      const api = httpClient(replica.address, this.#who.headersOf(writer));
      const path = `${this.#who.prefixOf(writer)}/memory/add`;
      const { status } = await api.post(path, { text, source: `writer-${writer}` });
      if (status === 200 || status === 201) this.acknowledged.add(text);
      else this.refused += 1;
      return status === 200 || status === 201;
    } catch {
      this.refused += 1;
      return false;
    } finally {
      this.#sending -= 1;
    }
  }
}

/** A replica, or a caller of one with a token. */
interface Called {
  readonly api: HttpClient;
}

/** The digest of all memories and versions. */
export function digestOf(replica: Called): Promise<unknown> {
  return digestIn(replica, '');
}

/** The same of one space of a team. */
export async function digestIn({ api }: Called, prefix: string): Promise<unknown> {
  const { data } = await api.get(`${prefix}/stats`);
  return [data['state_digest'], data['content_digest'], data['live'], data['stale']];
}

/** Texts of all live memories. */
export function textsOf(replica: Called): Promise<string[]> {
  return textsIn(replica, '');
}

/** The same of one space of a team. */
export async function textsIn({ api }: Called, prefix: string): Promise<string[]> {
  const texts: string[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const from = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const { data } = await api.get(`${prefix}/memories?limit=200${from}`);
    for (const { text } of data['memories'] as { text: string }[]) texts.push(text);
    cursor = data['next_cursor'] as string | undefined;
  }
  return texts;
}
