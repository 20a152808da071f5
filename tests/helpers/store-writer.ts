// Writes to a store at random until it is told to stop or is killed. Arguments: data folder, name.
// Prints one JSON line for each write that was acknowledged, and for each failure; on standard input it takes
// words to search for, one a line, and answers with the number of memories found.
import { createInterface } from 'node:readline';
import { startWorkerMemoryStore } from '../../src/store/worker/client.ts';
import { draft } from './drafts.ts';

export type WriterEvent =
  /** `word`: only this memory has it, and it will never be changed or deleted; null for those that may. */
  | {
      readonly kind: 'wrote';
      readonly id: string;
      readonly text: string;
      readonly deleted: boolean;
      readonly word: string | null;
    }
  | { readonly kind: 'found'; readonly word: string; readonly count: number }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'closed' };

const [dataDir = '', name = ''] = process.argv.slice(2);
const store = startWorkerMemoryStore({ dataDir });
/** Memories of this process that it may change and delete. */
const changeable: { id: string; text: string }[] = [];
const run = { stopping: false };
const searches: Promise<void>[] = [];

function tell(event: WriterEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'stop') run.stopping = true;
  if (!run.stopping) searches.push(find(line));
});

async function find(word: string): Promise<void> {
  try {
    const { words } = await store.candidates({ filter: {}, limit: 50, words: word });
    tell({ kind: 'found', word, count: words.length });
  } catch (error) {
    tell({ kind: 'failed', error: `search: ${String(error)}` });
  }
}

async function addSome(round: number): Promise<void> {
  const words = Array.from(
    { length: Math.random() < 0.3 ? 3 : 1 },
    (_, index) => `${name}n${round}n${index}`,
  );
  const outcomes = await store.add(words.map((word) => draft(`memory ${word}`)));
  outcomes.forEach(({ memory: { id, text } }, index) => {
    const lasting = Math.random() < 0.5;
    if (!lasting) changeable.push({ id, text });
    tell({ kind: 'wrote', id, text, deleted: false, word: lasting ? (words[index] ?? '') : null });
  });
}

async function updateOne(round: number): Promise<void> {
  const memory = changeable[Math.floor(Math.random() * changeable.length)];
  if (memory === undefined) return;
  memory.text = `changed ${name}n${round}`;
  await store.update(memory.id, { text: memory.text });
  tell({ kind: 'wrote', ...memory, deleted: false, word: null });
}

async function deleteOne(): Promise<void> {
  const [memory] = changeable.splice(Math.floor(Math.random() * changeable.length), 1);
  if (memory === undefined) return;
  await store.delete([memory.id]);
  tell({ kind: 'wrote', ...memory, deleted: true, word: null });
}

for (let round = 0; !run.stopping; round += 1) {
  try {
    const dice = Math.random();
    if (dice < 0.7) await addSome(round);
    else if (dice < 0.9) await updateOne(round);
    else await deleteOne();
  } catch (error) {
    tell({ kind: 'failed', error: String(error) });
  }
}
await Promise.all(searches);
await store.close();
tell({ kind: 'closed' });
process.stdin.destroy();
