import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { WorkOptions } from '../backup/backup-api.ts';
import type { MemoryState } from '../backup/ports.ts';
import type { Settings } from '../config/schema.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { UsageError } from '../errors/input-errors.ts';
import { DATABASE_NAME } from '../store/memory-store.ts';
import type { ReplicaIdentity, ReplicaStore } from '../store/replica-store.ts';
import { DRILL_PREFIX } from '../store/sqlite/sqlite-work-lock.ts';
import { parseDatabaseUrl } from '../store/postgres/database-url.ts';
import { PreparedDatabase } from '../store/postgres/prepared-database.ts';
import { SpaceRows } from '../store/postgres/space-rows.ts';
import { type SharedThreads, startWorkerStore, type WorkerStore } from '../store/worker/client.ts';
import type { SharedDatabase, StoreWorkerSettings } from '../store/worker/protocol.ts';
import { createFolders } from '../util/durable-file.ts';
import { storeSettings } from './store-settings.ts';

export interface MoveRequest {
  /** `postgres` = the database of the settings, an address `postgres://…`, or a folder. Absent = the store of the settings. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly dryRun: boolean;
}

export type MovedStore = Pick<
  ReplicaIdentity,
  'memories' | 'live' | 'trash' | 'conflicts' | 'contentDigest' | 'stateDigest'
>;

export interface MoveReport {
  /** moved: all memories were copied. equal: the target had them already. planned: a dry run. */
  readonly outcome: 'moved' | 'equal' | 'planned';
  /** Places for people, without credentials. */
  readonly from: string;
  readonly to: string;
  readonly source: MovedStore;
  readonly target: MovedStore;
}

/**
 * Copies all memories with their versions, their trash and their vectors into an empty store, as one transaction, and
 * compares counts and digests. The source stays as it is. Replaced versions of the local history are not copied.
 * @throws FaissMemoryError `STATE_CHANGED` when the target has other memories, or differs afterwards
 */
export async function moveMemories(
  settings: Settings,
  { from, to, dryRun }: MoveRequest,
  work: WorkOptions = {},
): Promise<MoveReport> {
  const [source, target] = [from, to].map((place) => openPlace(placeSettings(settings, place)));
  // Two were opened.
  if (source === undefined || target === undefined) throw new TypeError('Two places are needed');
  return moveStore({ source, target, dryRun }, work);
}

export interface StoreMove {
  readonly source: Place;
  readonly target: Place;
  readonly dryRun: boolean;
}

/** Closes both places. */
export async function moveStore(
  { source, target, dryRun }: StoreMove,
  work: WorkOptions,
): Promise<MoveReport> {
  try {
    if (source.name === target.name)
      throw new UsageError(`Both places are ${source.name}`, 'Name another one with --to or --from.');
    if (source.missing)
      throw new UsageError(`There are no memories in ${source.name}`, 'Name another place with --from.');
    const before = await source.replica().identity();
    const there = await (dryRun ? target.look() : target.replica().identity());
    const names = { from: source.name, to: target.name };
    const equal = before.stateDigest === there.stateDigest;
    if (!equal && there.memories > 0) throw notEmpty(target.name, there);
    if (equal || dryRun) {
      const outcome = equal ? 'equal' : 'planned';
      return { outcome, ...names, source: pick(before), target: pick(there) };
    }
    await copy(source.replica(), target.replica(), work);
    const [now, after] = [await source.replica().identity(), await target.replica().identity()];
    if (now.stateDigest !== after.stateDigest || now.contentDigest !== after.contentDigest)
      throw differs(names, { source: now, target: after });
    return { outcome: 'moved', ...names, source: pick(now), target: pick(after) };
  } finally {
    await Promise.all([source.close(), target.close()]);
  }
}

async function copy(
  from: ReplicaStore,
  to: ReplicaStore,
  { signal, onProgress }: WorkOptions,
): Promise<void> {
  const view = await from.openView();
  try {
    const total = view.facts.memories;
    const counted = async function* (): AsyncGenerator<MemoryState> {
      let done = 0;
      for await (const state of view.changesSince(0)) {
        signal?.throwIfAborted();
        yield state;
        done += 1;
        onProgress?.({ step: 'reading memories', done, total });
      }
    };
    const staged = await to.stage(counted());
    try {
      signal?.throwIfAborted();
      onProgress?.({ step: 'storing memories', done: 0, total });
      // A restore is one transaction, so the target has all memories or none.
      await staged.restore({ clock: view.clock, complete: true });
    } finally {
      await staged.close();
    }
  } finally {
    await view.close();
  }
}

/** A store to move from or to. */
export interface Place {
  readonly name: string;
  /** True when it cannot have memories. */
  readonly missing: boolean;
  readonly replica: () => ReplicaStore;
  /** The identity of the store that is there, without making anything. */
  readonly look: () => Promise<ReplicaIdentity>;
  readonly close: () => Promise<void>;
}

/** @param threads of many stores; absent = of this one */
export function openPlace({ database, dataDir }: StoreWorkerSettings, threads?: SharedThreads): Place {
  if (database === undefined) return folderPlace(dataDir, threads);
  let folder: string | undefined;
  const open = once(() => {
    createFolders(dataDir);
    // An index of its own, which does not stay.
    folder = mkdtempSync(join(dataDir, DRILL_PREFIX));
    return startWorkerStore({ dataDir: folder, database }, threads);
  });
  return {
    name: `the space ${database.space} of ${withoutCredentials(database.url)}`,
    missing: false,
    replica: () => open.value().replica,
    look: async () => ((await hasMemories(database)) ? open.value().replica.identity() : emptyIdentity()),
    close: async () => {
      await open.made()?.memory.close();
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function folderPlace(dataDir: string, threads: SharedThreads | undefined): Place {
  const open = once(() => startWorkerStore({ dataDir }, threads));
  const missing = !existsSync(join(dataDir, DATABASE_NAME));
  return {
    name: dataDir,
    missing,
    replica: () => open.value().replica,
    look: () => (missing ? emptyIdentity() : open.value().replica.identity()),
    close: async () => open.made()?.memory.close(),
  };
}

/** Of a place where nothing is yet. */
async function emptyIdentity(): Promise<ReplicaIdentity> {
  const folder = mkdtempSync(join(tmpdir(), DRILL_PREFIX));
  const { memory, replica } = startWorkerStore({ dataDir: folder });
  try {
    return await replica.identity();
  } finally {
    await memory.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function hasMemories(place: SharedDatabase): Promise<boolean> {
  const database = new PreparedDatabase(place, { asIs: true });
  try {
    return (await database.version()) > 0 && !(await new SpaceRows(database).isFree(place.space));
  } finally {
    await database.close();
  }
}

function once(make: () => WorkerStore): { value: () => WorkerStore; made: () => WorkerStore | undefined } {
  let made: WorkerStore | undefined;
  return { value: () => (made ??= make()), made: () => made };
}

/** The store that a person names. */
export function placeSettings(settings: Settings, place: string | undefined): StoreWorkerSettings {
  if (place === undefined) return storeSettings(settings);
  if (place === 'postgres' || /^postgres(ql)?:/.test(place)) {
    const { database, dataDir } = settings;
    const url = place === 'postgres' ? database.url?.reveal() : place;
    if (url === undefined)
      throw new UsageError('There is no MEMORY_DATABASE_URL', 'Set it, or give the address itself.');
    return { dataDir, database: { url, schema: database.schema, space: database.space } };
  }
  return { dataDir: isAbsolute(place) ? place : resolve(place) };
}

/** @throws FaissMemoryError `CONFIGURATION` for an address that is wrong, whose password could be in any part of it */
export function withoutCredentials(url: string): string {
  return parseDatabaseUrl(url).location;
}

function pick({ memories, live, trash, conflicts, contentDigest, stateDigest }: ReplicaIdentity): MovedStore {
  return { memories, live, trash, conflicts, contentDigest, stateDigest };
}

function notEmpty(name: string, { memories }: ReplicaIdentity): FaissMemoryError {
  return new FaissMemoryError(
    'STATE_CHANGED',
    `${name} has ${memories} memories already, and they are others`,
    {
      fix: 'Move into an empty place: another folder, or another space (MEMORY_DATABASE_SPACE).',
    },
  );
}

function differs(
  { from, to }: { readonly from: string; readonly to: string },
  { source, target }: { readonly source: ReplicaIdentity; readonly target: ReplicaIdentity },
): FaissMemoryError {
  return new FaissMemoryError(
    'STATE_CHANGED',
    `${to} differs from ${from} after the move: ${target.memories} memories against ${source.memories}`,
    { fix: 'Stop what writes to either of them, and move into an empty place again.' },
  );
}
