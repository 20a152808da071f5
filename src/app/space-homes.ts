import { randomUUID } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from '../config/schema.ts';
import { StateChangedError } from '../errors/input-errors.ts';
import { NoSuchError } from '../errors/people-errors.ts';
import { type RemovedSpace, SPACE_ID } from '../people/people-store.ts';
import type { PreparedDatabase } from '../store/postgres/prepared-database.ts';
import { SpaceRows } from '../store/postgres/space-rows.ts';
import { databaseName, DATABASE_NAME } from '../store/memory-store.ts';
import { newMachineId } from '../store/sqlite/migrations.ts';
import { type SharedThreads, startWorkerStore } from '../store/worker/client.ts';
import { codeOf } from '../util/caught.ts';
import { makeFolderDurably, syncFolder } from '../util/durable-file.ts';
import { spaceFolder, SPACES_FOLDER } from './start-app.ts';

/** Folder of the removed spaces, inside the data folder. */
export const TRASH_FOLDER = 'spaces-trash';
/** An index that was not used for so long is removed: memories that were erased meanwhile must not stay in it. */
const UNUSED_MS = 86_400_000;
/** Another server may tidy the spaces after that. */
const TIDY_LEASE_MS = 20 * 3_600_000;

/** Where the memories of spaces are while they are not open. */
export interface SpaceHome {
  /** False when there are memories of this id that no space of the team has. */
  isFree(space: string): Promise<boolean>;
  /** Makes an empty store. */
  create(space: string, threads: SharedThreads): Promise<void>;
  /** False when another process took it away. Costs almost nothing. */
  isThere(space: string): boolean;
  /** Does nothing when it is there already. */
  moveToTrash(space: string): Promise<void>;
  /** @throws NoSuchError when it is not in the trash */
  bringBack(space: string): Promise<void>;
  /** See `SpaceFolders`. */
  erase(space: RemovedSpace, isStill: () => Promise<boolean>): Promise<void>;
  /** The size of the memories of a space; undefined = as much as the files of its store. */
  bytes(space: string): Promise<number | undefined>;
  /** Of these spaces, those that this server should look through for old trash today. */
  toTidy(spaces: readonly string[]): Promise<readonly string[]>;
  /** Removes files that no space of the team has any more. */
  sweep(open: ReadonlySet<string>, whileClosed: WhileClosed): Promise<void>;
}

/** Closes a space and keeps it closed while the work runs. Does nothing when the space is in use. */
export type WhileClosed = (space: string, work: () => Promise<void>) => Promise<void>;

/** A folder for each space, with all that a data folder has. */
export class FolderHome implements SpaceHome {
  readonly #dataDir: string;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  isFree(): Promise<boolean> {
    return Promise.resolve(true);
  }

  async create(space: string, threads: SharedThreads): Promise<void> {
    const { memory } = startWorkerStore({ dataDir: this.#places(space).folder }, threads);
    await memory.stats();
    await memory.close();
  }

  isThere(space: string): boolean {
    return existsSync(join(this.#places(space).folder, DATABASE_NAME));
  }

  async moveToTrash(space: string): Promise<void> {
    const { folder, trash } = this.#places(space);
    if (!existsSync(folder)) return;
    await makeFolderDurably(join(trash, '..'));
    await rename(folder, trash);
    await syncFolder(join(trash, '..'));
    await syncFolder(join(folder, '..'));
  }

  async bringBack(space: string): Promise<void> {
    const { folder, trash } = this.#places(space);
    if (existsSync(trash)) {
      await rename(trash, folder);
      await syncFolder(join(folder, '..'));
    }
    if (!existsSync(folder)) throw new NoSuchError('space', space);
  }

  async erase({ id }: RemovedSpace, isStill: () => Promise<boolean>): Promise<void> {
    const { folder, trash } = this.#places(id);
    for (const place of [folder, trash]) {
      const aside = await this.#setAside(id, place);
      if (aside === undefined) continue;
      if (!(await isStill())) {
        await rename(aside, place);
        throw new StateChangedError();
      }
      await removeFolder(aside);
    }
    // A process that was killed while it erased the space left these.
    const left = (await namesIn(join(trash, '..'))).filter((name) => name.startsWith(`${id}.`));
    for (const name of left) if (await isStill()) await removeFolder(join(trash, '..', name));
  }

  bytes(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  toTidy(spaces: readonly string[]): Promise<readonly string[]> {
    return Promise.resolve(spaces);
  }

  async sweep(open: ReadonlySet<string>, whileClosed: WhileClosed): Promise<void> {
    for (const space of open) {
      // Another process moved it away; files that background work wrote there meanwhile belong to no space.
      if (!this.isThere(space)) await whileClosed(space, () => this.#removeRest(space));
    }
  }

  async #removeRest(space: string): Promise<void> {
    const { folder } = this.#places(space);
    const aside = await this.#setAside(space, folder);
    if (aside === undefined) return;
    if (existsSync(join(aside, DATABASE_NAME))) await rename(aside, folder);
    else await removeFolder(aside);
  }

  /**
   * Gives a folder another name before it is removed, because another process may take the space back at this moment.
   * @returns the new place; undefined when there is no such folder
   */
  async #setAside(space: string, folder: string): Promise<string | undefined> {
    const { trash } = this.#places(space);
    const aside = `${trash}.${randomUUID()}`;
    await makeFolderDurably(join(trash, '..'));
    try {
      await rename(folder, aside);
      return aside;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  #places(space: string): { readonly folder: string; readonly trash: string } {
    return { folder: spaceFolder(this.#dataDir, space), trash: join(this.#dataDir, TRASH_FOLDER, space) };
  }
}

/**
 * The rows of a database that all servers of a team share; a folder here is only an index of them. A space in the trash
 * keeps its rows, and the database refuses to show them.
 */
export class DatabaseHome implements SpaceHome {
  readonly #rows: SpaceRows;
  readonly #dataDir: string;
  /** Conversations can expire in every space. */
  readonly #tidiesAll: boolean;
  readonly #holder = randomUUID();

  constructor(database: PreparedDatabase, { dataDir, conversations }: Settings) {
    this.#rows = new SpaceRows(database);
    this.#dataDir = dataDir;
    this.#tidiesAll = conversations.days > 0;
  }

  isFree(space: string): Promise<boolean> {
    return this.#rows.isFree(space);
  }

  create(space: string): Promise<void> {
    return this.#rows.create(space, newMachineId());
  }

  isThere(): boolean {
    return true;
  }

  moveToTrash(space: string): Promise<void> {
    return removeFolder(spaceFolder(this.#dataDir, space));
  }

  bringBack(space: string): Promise<void> {
    return this.#rows.requireThere(space);
  }

  async erase(space: RemovedSpace): Promise<void> {
    await this.#rows.erase(space);
    await removeFolder(spaceFolder(this.#dataDir, space.id));
  }

  bytes(space: string): Promise<number> {
    return this.#rows.bytes(space);
  }

  async toTidy(spaces: readonly string[]): Promise<readonly string[]> {
    if (!(await this.#rows.lease('tidy', this.#holder, TIDY_LEASE_MS))) return [];
    if (this.#tidiesAll) return spaces;
    const found: string[] = [];
    for (const space of spaces) if (await this.#rows.hasTrash(space)) found.push(space);
    return found;
  }

  async sweep(open: ReadonlySet<string>, whileClosed: WhileClosed): Promise<void> {
    const here = await foldersIn(this.#dataDir);
    if (here.length === 0) return;
    const used = await this.#rows.inUse(here);
    for (const space of here) {
      const folder = spaceFolder(this.#dataDir, space);
      if (used.has(space) && (open.has(space) || !isUnused(folder))) continue;
      await whileClosed(space, () => removeFolder(folder));
    }
  }
}

async function foldersIn(dataDir: string): Promise<string[]> {
  return (await namesIn(join(dataDir, SPACES_FOLDER))).filter((name) => SPACE_ID.test(name));
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((): string[] => []);
}

function isUnused(folder: string): boolean {
  const file = statSync(join(folder, databaseName('postgres')), { throwIfNoEntry: false });
  return file === undefined || Date.now() - file.mtimeMs > UNUSED_MS;
}

function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
