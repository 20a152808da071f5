import { isSnapshotId } from './snapshot-id.ts';

/** First segment of every key; a format that readers of version 1 could not read gets another one. */
export const REPOSITORY_ROOT = 'v1/';

const MACHINE = /^[0-9a-f]{16}$/;
const SHA_256 = /^[0-9a-f]{64}$/;

/** Machine ids are 64 random bits as lower-case hex. */
export function isMachineId(text: string): boolean {
  return MACHINE.test(text);
}

/** Lower-case hex of 32 bytes: names of segments, digests. */
export function isSha256(text: string): boolean {
  return SHA_256.test(text);
}

/** One place of the layout. Names were checked when they were read, so no key can leave its folder. */
export type RepositoryObject =
  | { readonly kind: 'key-file'; readonly machine: string }
  | { readonly kind: 'head'; readonly machine: string }
  | { readonly kind: 'manifest'; readonly machine: string; readonly snapshotId: string }
  | { readonly kind: 'segment'; readonly machine: string; readonly name: string };

export function machineFolder(machine: string): string {
  return `${REPOSITORY_ROOT}${machine}/`;
}

export function keyFileKey(machine: string): string {
  return `${machineFolder(machine)}key.json`;
}

export function headKey(machine: string): string {
  return `${machineFolder(machine)}head`;
}

export function manifestKey(machine: string, snapshotId: string): string {
  return `${machineFolder(machine)}snapshots/${snapshotId}`;
}

export function segmentKey(machine: string, name: string): string {
  return `${machineFolder(machine)}segments/${name}`;
}

/** Null for keys that are not part of the format; they are left alone. */
export function parseRepositoryKey(key: string): RepositoryObject | null {
  const [root, machine, folder, name, ...rest] = key.split('/');
  if (`${root ?? ''}/` !== REPOSITORY_ROOT || machine === undefined || !isMachineId(machine)) return null;
  if (name === undefined) {
    if (folder === 'head') return { kind: 'head', machine };
    if (folder === 'key.json') return { kind: 'key-file', machine };
    return null;
  }
  if (rest.length > 0) return null;
  if (folder === 'segments' && isSha256(name)) return { kind: 'segment', machine, name };
  if (folder === 'snapshots' && isSnapshotId(name)) return { kind: 'manifest', machine, snapshotId: name };
  return null;
}
