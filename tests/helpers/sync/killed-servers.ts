import { randomInt } from 'node:crypto';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { SeededRandom } from '../../simulation/seeded-random.ts';
import { connected, createV2, type Called, type ConnectedClient } from '../mcp/clients.ts';
import { PROGRAM, serverEnvironment } from '../mcp/server-environment.ts';
import { SyncMachine } from './sync-machine.ts';
import { type ShownMemory, WriteLedger } from './write-ledger.ts';

export interface Run {
  /** What each server gets to reach the bucket. */
  readonly environment: Readonly<Record<string, string>>;
  readonly machines: number;
  /** Servers that share the data folder of a machine. @default 1 */
  readonly serversPerMachine?: number;
  /** How long the clients write and the servers die. */
  readonly seconds: number;
  readonly seed: number;
}

export interface RunReport {
  readonly acknowledged: number;
  readonly kills: number;
  /** Seconds from the last write until all machines had the same state digest. */
  readonly untilEqual: number;
  /** What is lost on any machine; empty = nothing. */
  readonly faults: readonly string[];
  readonly summary: string;
}

const SECOND = 1_000;
/** Ends a run whose machines never become equal. */
const PATIENCE_MS = 240 * SECOND;
/** A server lives so long before it is killed. */
const LIFE_MS = { shortest: 300, longest: 25 * SECOND };
/** A user waits so long between two calls. */
const USER_MS = { shortest: 20, longest: 400 };
const SHARED_MEMORIES = 4;

/** @param usual seconds, unless `SYNC_RUN_SECONDS` asks for another time */
export function runSeconds(usual: number): number {
  return Number(process.env['SYNC_RUN_SECONDS'] ?? usual);
}

/** `SYNC_RUN_SEED` repeats the choices of a run, though not the times of its processes. */
export function runSeed(): number {
  return Number(process.env['SYNC_RUN_SEED'] ?? randomInt(1_000_000));
}

function between(random: SeededRandom, { shortest, longest }: typeof LIFE_MS): number {
  return shortest + random.next() * (longest - shortest);
}

/** Lets clients write through servers that are killed at random times, until all machines are equal again. */
export async function runKilledServers(run: Run): Promise<RunReport> {
  const { environment, serversPerMachine = 1, seconds, seed } = run;
  const machines = Array.from(
    { length: run.machines },
    () => new SyncMachine({ ...environment, CLOUD_SYNC_MODE: 'merge' }),
  );
  const ledger = new WriteLedger();
  const users = machines.flatMap((machine, index) =>
    Array.from(
      { length: serversPerMachine },
      (_, number) =>
        new User(machine, { name: `m${index}s${number}`, ledger, seed: seed * 1_000 + index * 10 + number }),
    ),
  );
  const end = performance.now() + seconds * SECOND;
  await Promise.all(users.map((user) => user.writeUntil(end)));
  const untilEqual = await secondsUntilEqual(users);
  const views = await Promise.all(machines.map(memoriesOf));
  const faults = [...new Set(views.flatMap((view) => ledger.faultsIn(view)))];
  const kills = users.reduce((sum, user) => sum + user.kills, 0);
  const { acknowledged } = ledger;
  const summary =
    `seed ${seed}: ${run.machines} machines, ${users.length} servers, ${seconds} s, ${acknowledged} writes acknowledged, ` +
    `${kills} kills, ${views[0]?.size ?? 0} memories, equal after ${untilEqual.toFixed(1)} s`;
  return { acknowledged, kills, untilEqual, faults, summary };
}

async function secondsUntilEqual(users: readonly User[]): Promise<number> {
  const start = performance.now();
  await expect
    .poll(async () => new Set(await Promise.all(users.map((user) => user.stateDigest()))).size, {
      timeout: PATIENCE_MS,
      interval: 500,
    })
    .toBe(1);
  return (performance.now() - start) / SECOND;
}

/** All live memories of a machine, with the conflict copies. */
async function memoriesOf(machine: SyncMachine): Promise<ReadonlyMap<string, ShownMemory>> {
  const { stdout } = await machine.run(['export']);
  const lines = stdout.trimEnd().split('\n').slice(1, -1);
  const shown = new Map<string, ShownMemory>();
  for (const line of lines) {
    const { id, text } = JSON.parse(line) as { id: string; text: string };
    shown.set(id, { text, copies: [] });
  }
  const listed = await machine.json<{ memories: { id: string }[] }>(['list', '--conflicts', '-n', '1000']);
  for (const { id } of listed.memories) {
    const { memories } = await machine.json<{
      memories: { text: string; versions?: { role: string; text: string }[] }[];
    }>(['get', id]);
    const [{ text, versions = [] } = { text: '' }] = memories;
    const copies = versions.filter(({ role }) => role === 'sibling').map((version) => version.text);
    shown.set(id, { text, copies });
  }
  return shown;
}

interface UserParts {
  /** Part of all texts, so that every text of the run is another one. */
  readonly name: string;
  readonly ledger: WriteLedger;
  readonly seed: number;
}

/** A client with a server of its own, which dies again and again. */
class User {
  kills = 0;
  readonly #machine: SyncMachine;
  readonly #name: string;
  readonly #ledger: WriteLedger;
  readonly #random: SeededRandom;
  readonly #own: string[] = [];
  #texts = 0;
  #client: ConnectedClient | undefined;

  constructor(machine: SyncMachine, { name, ledger, seed }: UserParts) {
    this.#machine = machine;
    this.#name = name;
    this.#ledger = ledger;
    this.#random = new SeededRandom(seed);
  }

  /** Afterwards its last server runs. @param end as `performance.now` tells it */
  async writeUntil(end: number): Promise<void> {
    while (!(await this.#live(end)));
  }

  async stateDigest(): Promise<unknown> {
    const called = await this.#client?.call('sync_status');
    return called?.data['state'] ?? 'no answer';
  }

  /** One life of a server. @returns true when it survived, because the time is over */
  async #live(end: number): Promise<boolean> {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [PROGRAM],
      env: serverEnvironment(this.#machine.folder, this.#machine.environment),
      stderr: 'ignore',
    });
    const killed = new AbortController();
    const dies = performance.now() + between(this.#random, LIFE_MS);
    const timer = setTimeout(() => {
      if (performance.now() >= end || transport.pid === null) return;
      killed.abort();
      this.kills += 1;
      process.kill(transport.pid, 'SIGKILL');
    }, dies - performance.now());
    onTestFinished(() => {
      clearTimeout(timer);
    });
    try {
      const client = createV2({ pin: '2026-07-28' });
      await client.connect(transport);
      this.#client = await connected(client);
      while (performance.now() < end) {
        await this.#step(this.#client);
        await pause(between(this.#random, USER_MS));
      }
      // Waiting for the last kill would give this server no time to finish.
      clearTimeout(timer);
      return !killed.signal.aborted;
    } catch (error) {
      if (!killed.signal.aborted) throw error;
      return false;
    }
  }

  async #step(client: ConnectedClient): Promise<void> {
    const { sharedIds } = this.#ledger;
    const chance = this.#random.next();
    if (chance < 0.4 || this.#own.length < 5) await this.#add(client);
    else if (chance < 0.65) await this.#change(client);
    else if (chance < 0.72) await this.#delete(client);
    else if (chance < 0.8 && sharedIds.length > 0)
      await this.#changeShared(client, this.#random.pick(sharedIds));
    else accepted(await client.call('memory_search', { query: `depot ${this.#random.below(50)}` }));
  }

  #newText(): string {
    this.#texts += 1;
    return `Parcel ${this.#name}n${this.#texts} waits at depot ${this.#random.below(50)}`;
  }

  async #add({ call }: ConnectedClient): Promise<void> {
    const text = this.#newText();
    const done = await call('memory_add', { text }).catch((error: unknown) => {
      this.#ledger.additionUnanswered(text);
      throw error;
    });
    const [{ id }] = accepted(done)['results'] as [{ id: string }];
    this.#ledger.added(id, text);
    if (this.#ledger.sharedIds.length < SHARED_MEMORIES) this.#ledger.share(id);
    else this.#own.push(id);
  }

  async #change({ call }: ConnectedClient): Promise<void> {
    const [id, text] = [this.#random.pick(this.#own), this.#newText()];
    const done = await call('memory_update', { id, text }).catch((error: unknown) => {
      this.#ledger.changeUnanswered(id, text);
      throw error;
    });
    accepted(done);
    this.#ledger.changed(id, text);
  }

  async #delete({ call }: ConnectedClient): Promise<void> {
    const [id = ''] = this.#own.splice(this.#random.below(this.#own.length), 1);
    const done = await call('memory_delete', { ids: [id] }).catch((error: unknown) => {
      this.#ledger.changeUnanswered(id, null);
      throw error;
    });
    expect(accepted(done)).toMatchObject({ count: 1 });
    this.#ledger.changed(id, null);
  }

  /** The memory may be unknown on this machine for now. */
  async #changeShared({ call }: ConnectedClient, id: string): Promise<void> {
    const [text, start] = [this.#newText(), performance.now()];
    const told = (acknowledged: boolean): void => {
      this.#ledger.sharedAttempt(id, { text, start, end: performance.now(), acknowledged });
    };
    const done = await call('memory_update', { id, text }).catch((error: unknown) => {
      told(false);
      throw error;
    });
    if (done.isError) expect(done.failure).toMatchObject({ code: 'NOT_FOUND' });
    else told(true);
  }
}

/** The data of a call that worked. */
function accepted({ isError, text, data }: Called): Called['data'] {
  expect(isError, text).toBe(false);
  return data;
}
