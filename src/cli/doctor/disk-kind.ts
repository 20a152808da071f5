import { execFile } from 'node:child_process';
import { realpath, statfs } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Numbers by which Linux names file systems whose files are on another machine, or on the host of this one. */
const NETWORK_TYPES: ReadonlyMap<number, string> = new Map([
  [0x6969, 'an NFS folder'],
  [0x517b, 'an SMB folder'],
  [0xff534d42, 'an SMB folder'],
  [0xfe534d42, 'an SMB folder'],
  [0x00c36400, 'a Ceph folder'],
  [0x5346414f, 'an AFS folder'],
  [0x01021997, 'a folder that a virtual machine or WSL shares with its host'],
  [0x786f4256, 'a folder that a virtual machine shares with its host'],
]);

/** @param type from `statfs`; the kernel's number may arrive with its sign */
export function networkKind(type: number): string | undefined {
  return NETWORK_TYPES.get(type >>> 0);
}

/** Names by which macOS calls such file systems; the numbers in its `statfs` are other ones after each start. */
const NETWORK_NAMES: ReadonlyMap<string, string> = new Map([
  ['nfs', 'an NFS folder'],
  ['smbfs', 'an SMB folder'],
  ['cifs', 'an SMB folder'],
  ['afpfs', 'an AFP folder'],
  ['webdav', 'a WebDAV folder'],
  ['ftp', 'an FTP folder'],
  ['macfuse', 'a FUSE folder, which may be on another machine'],
  ['osxfuse', 'a FUSE folder, which may be on another machine'],
  ['virtiofs', 'a folder that a virtual machine shares with its host'],
]);

/**
 * @param mounts output of `mount` on macOS, a line for each: `//ada@nas/files on /Volumes/files (smbfs, nodev, nosuid)`
 * @returns the kind of the innermost mount with the path; undefined when it looks local
 */
export function mountedKind(mounts: string, path: string): string | undefined {
  let innermost = { folder: '', type: '' };
  for (const line of mounts.split('\n')) {
    const [, folder = '', type = ''] = / on (\/.*) \((\w+)[^()]*\)$/.exec(line) ?? [];
    const contains = folder === '/' || path === folder || path.startsWith(`${folder}/`);
    if (contains && folder.length > innermost.folder.length) innermost = { folder, type };
  }
  return NETWORK_NAMES.get(innermost.type);
}

/**
 * @param path real path. Windows gives the one of a drive letter that stands for a network folder as `\\server\share\…`
 */
export function windowsKind(path: string): string | undefined {
  const isLocalName = /^\\\\[?.]\\(?!UNC\\)/i.test(path);
  return path.startsWith('\\\\') && !isLocalName ? 'a network folder' : undefined;
}

/** Names that the programs give to the folders they synchronise. */
const SYNCHRONISED: readonly (readonly [RegExp, string])[] = [
  [/^dropbox( \(.*\))?$/i, 'Dropbox'],
  [/^onedrive( - .*)?$/i, 'OneDrive'],
  [/^(icloud ?drive|mobile documents|com~apple~clouddocs)$/i, 'iCloud Drive'],
  [/^(google ?drive|googledrive-.*)$/i, 'Google Drive'],
  [/^cloudstorage$/i, 'a cloud-synchronised folder'],
];

/** By the names in the path alone. */
export function synchronisedKind(path: string): string | undefined {
  for (const name of path.split(/[\\/]/)) {
    const found = SYNCHRONISED.find(([pattern]) => pattern.test(name));
    if (found !== undefined) return found[1];
  }
  return undefined;
}

const MOUNT_LIMIT_MS = 2_000;

/** Looks at the real system; passed in for tests. */
export interface DiskLook {
  readonly realPath: (path: string) => Promise<string>;
  /** Number of the file system, on Linux. */
  readonly type: (path: string) => Promise<number>;
  /** Output of `mount`. */
  readonly mounts: () => Promise<string>;
}

const SYSTEM: DiskLook = {
  realPath: realpath,
  type: async (path) => (await statfs(path)).type,
  mounts: async () => (await promisify(execFile)('/sbin/mount', [], { timeout: MOUNT_LIMIT_MS })).stdout,
};

/** @returns the kind of this network or synchronised folder, undefined when it looks local */
export async function remoteKind(
  folder: string,
  platform: NodeJS.Platform,
  { realPath, type, mounts }: DiskLook = SYSTEM,
): Promise<string | undefined> {
  const path = await realPath(folder);
  const synchronised = synchronisedKind(path);
  if (synchronised !== undefined) return synchronised;
  if (platform === 'win32') return windowsKind(path);
  if (platform === 'linux') return networkKind(await type(path));
  if (platform === 'darwin') return mountedKind(await mounts().catch(() => ''), path);
  return undefined;
}
