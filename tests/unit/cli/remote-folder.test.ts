import { expect, test } from 'vitest';
import { networkKind, synchronisedKind } from '../../../src/cli/doctor/folder-check.ts';

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
