import {
  InMemoryBlobStore,
  type InMemoryBlobStoreOptions,
  type StoredBlob,
} from '../../src/blob/in-memory-blob-store.ts';
import { InMemoryHeadJournal } from './in-memory-head-journal.ts';
import { Keyring } from '../../src/backup/repository/keyring.ts';
import { Repository, type RepositoryOptions } from '../../src/backup/repository/repository.ts';
import type { MemoryState } from '../../src/backup/ports.ts';
import type { RepositorySnapshot } from '../../src/backup/repository/list-snapshots.ts';
import { ModelStore } from './model-store.ts';
import { encodeRow } from '../../src/backup/format/row.ts';
import { SecretString } from '../../src/util/secret-string.ts';

export const MACHINE_A = 'aaaa000000000001';
export const MACHINE_B = 'bbbb000000000002';

/** Quick enough for tests; refused by a keyring with the default cost. */
const QUICK_COST = { n: 2 ** 4, r: 8, p: 1 };

export function quickKeyring(passphrase = 'correct horse battery staple'): Keyring {
  return new Keyring({ passphrase: new SecretString(passphrase), cost: QUICK_COST });
}

export interface TestRepository {
  readonly repository: Repository;
  readonly store: InMemoryBlobStore;
  readonly objects: Map<string, StoredBlob>;
  readonly journal: InMemoryHeadJournal;
  /** Moves the store's clock and the machine's. */
  readonly advance: (milliseconds: number) => void;
}

export interface TestRepositoryOptions extends Partial<RepositoryOptions> {
  readonly objects?: Map<string, StoredBlob>;
  readonly beforeCall?: NonNullable<InMemoryBlobStoreOptions['beforeCall']>;
}

export function createTestRepository(options: TestRepositoryOptions = {}): TestRepository {
  let time = Date.UTC(2026, 0, 31, 12, 0, 0);
  const now = (): number => time;
  const { objects = new Map<string, StoredBlob>(), beforeCall, ...rest } = options;
  const store = new InMemoryBlobStore({
    objects,
    now,
    ...(beforeCall === undefined ? {} : { beforeCall }),
  });
  const journal = new InMemoryHeadJournal();
  const repository = new Repository({
    store,
    repositoryId: 'test',
    machine: MACHINE_A,
    keyring: null,
    journal,
    now,
    ...rest,
  });
  return {
    repository,
    store,
    objects,
    journal,
    advance: (milliseconds) => {
      time += milliseconds;
    },
  };
}

/** All rows of a snapshot as canonical text, sorted: equal exactly when the states are. */
export async function rowsOf(repository: Repository, snapshot: RepositorySnapshot): Promise<string[]> {
  const rows: string[] = [];
  const manifest = await repository.readManifest(snapshot);
  for await (const row of repository.readRows(manifest)) rows.push(encodeRow(row));
  return rows.sort();
}

export function encodeStates(states: readonly MemoryState[]): string[] {
  return states.map(encodeRow).sort();
}

export async function newestOf(repository: Repository): Promise<RepositorySnapshot> {
  const { snapshots } = await repository.listSnapshots();
  const newest = snapshots.at(-1);
  if (newest === undefined) throw new Error('there is no snapshot');
  return newest;
}

/** A machine with its local repository and the remote one that it pushes to. */
export interface TestMachine {
  readonly local: TestRepository;
  readonly remote: TestRepository;
  readonly model: ModelStore;
}

export function createTestMachine(
  keyring: Keyring | null = null,
  machine = MACHINE_A,
  bucket = new Map<string, StoredBlob>(),
): TestMachine {
  const local = createTestRepository({ keyring, machine, repositoryId: 'local' });
  const remote = createTestRepository({ keyring, machine, repositoryId: 'remote', objects: bucket });
  return { local, remote, model: new ModelStore(machine) };
}

export function headOf(machine: string): string {
  return `v1/${machine}/head`;
}
