import type { BlobInfo, BlobStore } from '../../blob/blob-store.ts';
import { machineFolder, parseRepositoryKey, type RandomBytes } from '../format/names.ts';
import type { HeadJournal } from '../ports.ts';
import type { MachineKeys } from './keyring.ts';
import type { RepositoryObjects } from './repository-objects.ts';

/** What the operations on one repository share. */
export interface RepositoryContext {
  readonly store: BlobStore;
  readonly keys: MachineKeys;
  readonly objects: RepositoryObjects;
  /** Name of this repository in the journal; stays the same when credentials or spelling change. */
  readonly repositoryId: string;
  /** The machine whose folder this process may write: its own, and no other. */
  readonly machine: string;
  readonly journal: HeadJournal;
  /** Read plain snapshots of other machines although a passphrase is set. */
  readonly allowPlain: boolean;
  /** Nobody but this data folder can reach the repository: a head that is damaged is written anew. */
  readonly exclusive: boolean;
  /** The store honours `If-Match` on the head: an extra guard, never relied on. */
  readonly conditionalWrites: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: RandomBytes;
}

/** What a LIST shows of one machine's folder. */
export interface MachineFiles {
  readonly head: BlobInfo | null;
  readonly keyFile: BlobInfo | null;
  /** By snapshot id. */
  readonly manifests: ReadonlyMap<string, BlobInfo>;
  /** By name. */
  readonly segments: ReadonlyMap<string, BlobInfo>;
}

/** One LIST, all pages. Objects that are not part of the format are left out. */
export async function listMachineFiles(store: BlobStore, machine: string): Promise<MachineFiles> {
  const manifests = new Map<string, BlobInfo>();
  const segments = new Map<string, BlobInfo>();
  let head: BlobInfo | null = null;
  let keyFile: BlobInfo | null = null;
  for (const info of await store.list(machineFolder(machine))) {
    const object = parseRepositoryKey(info.key);
    if (object === null) continue;
    if (object.kind === 'manifest') manifests.set(object.snapshotId, info);
    else if (object.kind === 'segment') segments.set(object.name, info);
    else if (object.kind === 'head') head = info;
    else keyFile = info;
  }
  return { head, keyFile, manifests, segments };
}
