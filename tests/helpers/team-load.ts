import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { httpClient } from './http-client.ts';
import { launchServer, type RunningHttpServer } from './http-server.ts';

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

/** Writers that send memories to all replicas, and know what was acknowledged. */
export class TeamLoad {
  /** Texts of memories whose writes were acknowledged. */
  readonly acknowledged = new Set<string>();
  refused = 0;
  readonly #replicas: readonly Replica[];
  readonly #writers: Promise<void>[] = [];
  #stopped = false;
  #paused = false;
  #sending = 0;

  constructor(replicas: readonly Replica[], writers: number) {
    this.#replicas = replicas;
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
      const { status } = await replica.api.post('/memory/add', { text, source: `writer-${writer}` });
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

/** The digest of all memories and versions. */
export async function digestOf(replica: Replica): Promise<unknown> {
  const { data } = await replica.api.get('/stats');
  return [data['state_digest'], data['content_digest'], data['live'], data['stale']];
}

/** Texts of all live memories. */
export async function textsOf(replica: Replica): Promise<string[]> {
  const texts: string[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const from = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const { data } = await replica.api.get(`/memories?limit=200${from}`);
    for (const { text } of data['memories'] as { text: string }[]) texts.push(text);
    cursor = data['next_cursor'] as string | undefined;
  }
  return texts;
}
