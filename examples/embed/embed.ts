// A program with a memory of its own: it remembers, finds by meaning, keeps versions, takes another embedder, and closes.
//   npm install faiss-memory, then compile and run this file; here: npm run example
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NotFoundError, openMemory } from 'faiss-memory';
import { FakeEmbedder, temporaryStore } from 'faiss-memory/testing';
import { LetterEmbedder } from './letter-embedder.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'faiss-memory-embed-'));

async function rememberAndFind(): Promise<void> {
  await using memory = openMemory({ dataDir });
  const [first] = await memory.add({
    memories: [
      { text: 'The staging server is 10.20.0.5', tags: ['infra'] },
      { text: 'Maja cannot eat hazelnuts', source: 'kitchen' },
      { text: 'Nothing is released on a Friday' },
    ],
  });
  const id = first?.memory.id ?? '';

  // The vectors follow in the background; a program that asks at once waits for them.
  await memory.reembed();
  const { hits, mode } = await memory.search({ query: 'what is she allergic to?' });
  say(`found by ${mode}`, hits[0]?.memory.text);

  await memory.update({ id, text: 'The staging server is 10.20.0.6' });
  say('versions', (await memory.history(id)).map(({ role, text }) => `${role}: ${text}`).join('; '));

  await memory.delete({ ids: [id] });
  await memory.restore([id]);
  say('memories', (await memory.list()).total);

  const { outcome, snapshot } = await memory.backup.backup();
  say('backup', `${outcome}, ${snapshot.live} memories`);
}

async function openAgain(): Promise<void> {
  await using memory = openMemory({ dataDir, embedder: new LetterEmbedder() });
  await memory.reembed();
  const { hits } = await memory.search({ query: 'hazelnut', mode: 'vector', limit: 1 });
  say('found by letters', hits[0]?.memory.text);
  try {
    await memory.get(['no-such-memory']);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    say('error', `${error.code}: ${error.fix ?? ''}`);
  }
}

/** What a test of a program looks like: no model, no thread, nothing left. */
async function testWithFakes(): Promise<void> {
  const embedder = new FakeEmbedder();
  await using memory = openMemory({ store: temporaryStore(), embedder, logger: console });
  await memory.add({ memories: [{ text: 'tea is in the left cupboard' }] });
  await memory.reembed();
  await memory.search({ query: 'tea' });
  say('the fake was asked', embedder.calls.join(', '));
}

function say(what: string, value: string | number | undefined): void {
  if (value === undefined) throw new Error(`${what}: nothing`);
  console.log(`${what}: ${value}`);
}

try {
  await rememberAndFind();
  await openAgain();
  await testWithFakes();
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
