import { expect, test } from 'vitest';
import { synchronisedKind } from '../../../src/cli/doctor/folder-check.ts';

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
