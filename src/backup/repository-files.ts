import type { BlobInfo, BlobStore } from '../blob/blob-store.ts';
import { machineFolder, parseRepositoryKey } from './repository-keys.ts';

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
