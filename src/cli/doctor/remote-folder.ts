import { realpath, statfs } from 'node:fs/promises';

/** Numbers by which Linux names its network file systems. */
const NETWORK_TYPES: ReadonlyMap<number, string> = new Map([
  [0x6969, 'an NFS folder'],
  [0x517b, 'an SMB folder'],
  [0xff534d42, 'an SMB folder'],
  [0xfe534d42, 'an SMB folder'],
]);

/** Names that the programs give to the folders they synchronise. */
const SYNCHRONISED: readonly (readonly [RegExp, string])[] = [
  [/^dropbox( \(.*\))?$/i, 'Dropbox'],
  [/^onedrive( - .*)?$/i, 'OneDrive'],
  [/^(icloud ?drive|mobile documents|com~apple~clouddocs)$/i, 'iCloud Drive'],
  [/^(google ?drive|googledrive-.*)$/i, 'Google Drive'],
  [/^cloudstorage$/i, 'a cloud-synchronised folder'],
];

/** @returns what kind of network or synchronised folder this is, undefined when it looks local */
export async function remoteKind(folder: string): Promise<string | undefined> {
  const path = await realpath(folder);
  const synchronised = synchronisedKind(path);
  if (synchronised !== undefined) return synchronised;
  if (path.startsWith('\\\\')) return 'a network folder';
  if (process.platform !== 'linux') return undefined;
  const { type } = await statfs(path);
  // The kernel's number may arrive with its sign.
  return NETWORK_TYPES.get(type >>> 0);
}

/** By the names in the path alone. */
export function synchronisedKind(path: string): string | undefined {
  for (const name of path.split(/[\\/]/)) {
    const found = SYNCHRONISED.find(([pattern]) => pattern.test(name));
    if (found !== undefined) return found[1];
  }
  return undefined;
}
