import { expect, onTestFinished } from 'vitest';
import { PostgresLog } from '../../src/store/postgres/postgres-log.ts';
import type { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { draft } from './drafts.ts';
import type { PostgresServer } from './servers/postgres.ts';
import { WireProxy } from './servers/wire-proxy.ts';
import { openSqliteStore, temporaryFolder } from './sqlite-store.ts';

/** Two stores of one space: one beside its database, one behind a proxy. */
export interface TwoStores {
  readonly url: string;
  readonly proxy: WireProxy;
  readonly near: SqliteMemoryStore;
  readonly far: SqliteMemoryStore;
}

export function openSharedStore(url: string): SqliteMemoryStore {
  return openSqliteStore(temporaryFolder(), {
    log: new PostgresLog({ url, schema: 'faiss_memory', space: 'team' }),
  });
}

/** On a new database, with one memory, `first`. The proxy ends with the test. */
export async function openTwoStores(server: PostgresServer): Promise<TwoStores> {
  const url = await server.createDatabase();
  const proxy = await WireProxy.start(server.port);
  onTestFinished(() => proxy.close());
  const near = openSharedStore(url);
  const far = openSharedStore(proxy.url(url));
  await near.add([draft('first')]);
  await far.stats();
  return { url, proxy, near, far };
}

/** Texts of the live memories, oldest first. */
export async function textsOf(store: SqliteMemoryStore): Promise<string[]> {
  const { memories } = await store.list({ filter: {}, which: 'live', order: 'oldest', limit: 99 });
  return memories.map(({ text }) => text);
}

export async function expectEqualDigests(stores: readonly SqliteMemoryStore[]): Promise<void> {
  const digests = await Promise.all(stores.map(async (store) => (await store.stats()).stateDigest));
  expect(new Set(digests).size).toBe(1);
}
