import { expect, test } from 'vitest';
import {
  type DiskLook,
  mountedKind,
  networkKind,
  remoteKind,
  synchronisedKind,
  windowsKind,
} from '../../../src/cli/doctor/disk-kind.ts';

test.each([
  ['/home/ada/Dropbox/memories', 'Dropbox'],
  ['/home/ada/Dropbox (Work)/memories', 'Dropbox'],
  ['C:\\Users\\ada\\OneDrive - Acme\\memories', 'OneDrive'],
  ['/Users/ada/Library/Mobile Documents/com~apple~CloudDocs/m', 'iCloud Drive'],
  ['/Users/ada/Library/CloudStorage/Box-Box/m', 'a cloud-synchronised folder'],
  ['/home/ada/Google Drive/m', 'Google Drive'],
  ['/home/ada/.local/share/faiss-memory', undefined],
  ['/home/ada/dropbox-tools/m', undefined],
])('%s → %s', (path, kind) => {
  expect(synchronisedKind(path)).toBe(kind);
});

test.each([
  [0x6969, 'an NFS folder'],
  [0xff534d42 | 0, 'an SMB folder'],
  [0xfe534d42, 'an SMB folder'],
  [0x01021997, 'a folder that a virtual machine or WSL shares with its host'],
  [0xef53, undefined],
])('the file system of type %i: %s', (type, kind) => {
  expect(networkKind(type)).toBe(kind);
});

const MOUNTS = `/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
//ada@nas._smb._tcp.local/My%20files on /Volumes/My files (smbfs, nodev, nosuid, mounted by ada)
nas:/export/work on /Volumes/work (nfs, nodev, nosuid, mounted by ada)
/dev/disk4s1 on /Volumes/work/disk (apfs, local)
http://dav.test/ on /Volumes/dav (1) (webdav, nodev)
mount_macfuse on /Volumes/sshfs (macfuse, synchronous)
`;

test.each([
  ['/Users/ada/Library', undefined],
  ['/Volumes/My files', 'an SMB folder'],
  ['/Volumes/My files/memories', 'an SMB folder'],
  ['/Volumes/My filesystem', undefined],
  ['/Volumes/work/memories', 'an NFS folder'],
  ['/Volumes/work/disk/memories', undefined],
  ['/Volumes/dav (1)/m', 'a WebDAV folder'],
  ['/Volumes/sshfs', 'a FUSE folder, which may be on another machine'],
])('on macOS %s is %s', (path, kind) => {
  expect(mountedKind(MOUNTS, path)).toBe(kind);
});

test.each([
  ['\\\\nas\\files\\memories', 'a network folder'],
  ['\\\\?\\UNC\\nas\\files', 'a network folder'],
  ['\\\\wsl.localhost\\Debian\\home', 'a network folder'],
  ['\\\\?\\C:\\Users\\ada', undefined],
  ['\\\\.\\C:\\Users\\ada', undefined],
  ['C:\\Users\\ada', undefined],
])('on Windows %s is %s', (path, kind) => {
  expect(windowsKind(path)).toBe(kind);
});

/** A system whose answers are fixed. */
function look(changes: Partial<DiskLook>): DiskLook {
  const unasked = (): never => {
    throw new Error('this system is not asked that');
  };
  return { realPath: (path) => Promise.resolve(path), type: unasked, mounts: unasked, ...changes };
}

test('each system is asked in its own way', async () => {
  const type = (): Promise<number> => Promise.resolve(0x6969);
  const mounts = (): Promise<string> => Promise.resolve(MOUNTS);
  const drive = (): Promise<string> => Promise.resolve('\\\\nas\\files\\m');
  expect(await remoteKind('/mnt/nas', 'linux', look({ type }))).toBe('an NFS folder');
  expect(await remoteKind('/Volumes/work', 'darwin', look({ mounts }))).toBe('an NFS folder');
  expect(await remoteKind('Z:\\m', 'win32', look({ realPath: drive }))).toBe('a network folder');
  expect(await remoteKind('/x', 'freebsd', look({}))).toBeUndefined();
});

test('a Mac whose mounts cannot be listed has a local folder, as far as can be seen', async () => {
  const mounts = (): Promise<string> => Promise.reject(new Error('no such program'));
  expect(await remoteKind('/Users/ada/m', 'darwin', look({ mounts }))).toBeUndefined();
});
