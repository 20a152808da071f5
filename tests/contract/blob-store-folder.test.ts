import { join } from 'node:path';
import { FolderBlobStore } from '../../src/blob/folder/folder-blob-store.ts';
import { dataFolder } from '../helpers/servers/server-process.ts';
import { describeBlobStore } from './blob-store.contract.ts';

describeBlobStore('a folder', {
  traits: { conditions: 'absent-only', checksKeys: false },
  start: async () => {
    const folder = await dataFolder('folder-store');
    return {
      open: ({ bucket, prefix }) => {
        if (/^(created|missing)-/.test(bucket))
          return Promise.resolve(new FolderBlobStore(join(folder.path, bucket)));
        const store = new FolderBlobStore(join(folder.path, bucket, ...prefix.split('/')));
        return store.createBucket().then(() => store);
      },
      stop: folder.remove,
    };
  },
});
