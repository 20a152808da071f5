import type { BlobInfo, BlobStore } from '../../blob/blob-store.ts';
import { machineFolder, parseRepositoryKey, type RandomBytes } from '../format/names.ts';
import type { HeadJournal } from '../ports.ts';
import type { MachineKeys } from './keyring.ts';
import type { HeadCache, RepositoryObjects } from './repository-objects.ts';

/** The settings and parts that all operations on one repository share. */
export interface RepositoryContext {
  readonly store: BlobStore;
  readonly keys: MachineKeys;
  readonly objects: RepositoryObjects;
  /** Name of this repository in the journal. It stays the same when credentials or the spelling of the address change. */
  readonly repositoryId: string;
  /** This machine. The process writes only its folder. */
  readonly machine: string;
  readonly journal: HeadJournal;
  /** True when only this data folder can reach the repository. Then a damaged head is written again. */
  readonly exclusive: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: RandomBytes;
  /** Heads that were read before; undefined = every head is read anew. */
  readonly heads?: HeadCache | undefined;
}

/** The objects in one machine's folder. */
export interface MachineFiles {
  readonly head: BlobInfo | null;
  readonly keyFile: BlobInfo | null;
  /** The manifests by snapshot id. */
  readonly manifests: ReadonlyMap<string, BlobInfo>;
  /** The segments by name. */
  readonly segments: ReadonlyMap<string, BlobInfo>;
}

/** Lists a machine's folder with one LIST of all pages. Objects that are not part of the format are left out. */
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
