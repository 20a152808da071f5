import { expect, test } from 'vitest';
import { InMemoryBlobStore } from '../../../src/blob/in-memory-blob-store.ts';
import { loggedBlobStore, type BlobLogEntry } from '../../../src/blob/decorators.ts';
import { bytesOf, errorOf } from '../../helpers/blob-values.ts';

test('logs each call with its key and the reason it failed, but never content', async () => {
  const entries: BlobLogEntry[] = [];
  const store = loggedBlobStore(new InMemoryBlobStore(), (entry) => entries.push(entry));
  await store.put('a/b', bytesOf('a memory text'));
  await store.get('a/b');
  await store.list('a/');
  await errorOf(store.put('a/b', bytesOf('another text'), { onlyIf: 'absent' }));
  await store.delete('a/b');
  expect(entries.map(({ operation, key, error }) => ({ operation, key, error }))).toEqual([
    { operation: 'put', key: 'a/b', error: undefined },
    { operation: 'get', key: 'a/b', error: undefined },
    { operation: 'list', key: 'a/', error: undefined },
    { operation: 'put', key: 'a/b', error: 'precondition' },
    { operation: 'delete', key: 'a/b', error: undefined },
  ]);
  expect(JSON.stringify(entries)).not.toContain('text');
});
