import { InMemoryBlobStore, type StoredBlob } from '../../src/blob/in-memory-blob-store.ts';
import { describeBlobStore } from './blob-store.contract.ts';

describeBlobStore('memory', {
  traits: { conditions: 'honoured', checksKeys: false },
  start: () => {
    const prefixes = new Map<string, Map<string, StoredBlob>>();
    return Promise.resolve({
      open: ({ bucket, prefix }) => {
        const objects = prefixes.get(prefix) ?? new Map<string, StoredBlob>();
        prefixes.set(prefix, objects);
        const missing = /^(?:missing|created)-/.test(bucket);
        return Promise.resolve(new InMemoryBlobStore({ objects, missing }));
      },
      stop: () => Promise.resolve(),
    });
  },
});
