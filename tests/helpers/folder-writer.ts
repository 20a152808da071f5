import { FolderBlobStore } from '../../src/blob/folder/folder-blob-store.ts';

/**
 * Child process of the crash test: replaces one object again and again, and prints the number of each write that
 * was acknowledged. Write n is 20,000 + n bytes of the value n mod 251.
 */
const [folder = '', first = '0'] = process.argv.slice(2);
const store = new FolderBlobStore(folder);
for (let number = Number(first); ; number++) {
  await store.put('machine/head', Buffer.alloc(20_000 + number, number % 251));
  process.stdout.write(`${number}\n`);
}
