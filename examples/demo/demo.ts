// The program in a minute: starts the built server as a client would, stores notes, and asks questions. Then two
// machines share an encrypted bucket.
//   npm run demo
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/client';
import { call, connect } from './client.ts';
import { twoMachines } from './two-machines.ts';

interface Hit {
  text: string;
  similarity?: number | null;
  words?: string[];
  word_rank?: number | null;
  vector_rank?: number | null;
}

/** Questions, most in other words than the notes. Each has a part of the note that answers it. */
const QUESTIONS: readonly (readonly [question: string, expected: string])[] = [
  ['Which database did we choose for the measurements, and why?', 'TimescaleDB'],
  ['What can she not eat?', 'hazelnuts'],
  ['why are there double rows in spring and autumn', 'daylight saving'],
  ['10.20.0.6', 'prompt of production is red'],
  ['Who maintains the pumps in Sopot?', 'Firma Brandt'],
  ['may I release on friday?', 'nothing is released'],
];

const dataFolder = mkdtempSync(join(tmpdir(), 'faiss-memory-demo-'));

async function waitForVectors(client: Client): Promise<void> {
  for (;;) {
    const { embedding } = await call(client, 'memory_stats', {});
    const { pending, problem } = embedding as { pending: number; problem?: string };
    if (problem !== undefined) throw new Error(problem);
    if (pending === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function why(hit: Hit): string {
  const meaning =
    hit.vector_rank == null ? '' : `meaning: rank ${hit.vector_rank}, similarity ${hit.similarity ?? 0}`;
  const words = hit.word_rank == null ? '' : `words: rank ${hit.word_rank} (${(hit.words ?? []).join(', ')})`;
  return [meaning, words].filter(Boolean).join('; ');
}

async function main(): Promise<void> {
  const notes = readFileSync('examples/demo/notes.txt', 'utf8').trim().split('\n');
  const client = await connect({ MEMORY_DATA_DIR: dataFolder });
  console.log(`Connected to ${JSON.stringify(client.getServerVersion())}`);
  console.log(`Tools: ${(await client.listTools()).tools.map((tool) => tool.name).join(', ')}\n`);
  await call(client, 'memory_add', { memories: notes.map((text) => ({ text, source: 'demo notes' })) });
  await waitForVectors(client);
  console.log(`Stored ${notes.length} notes offline, in ${dataFolder}\n`);
  let found = 0;
  for (const [question, expected] of QUESTIONS) {
    const { hits } = (await call(client, 'memory_search', { query: question, limit: 3 })) as { hits: Hit[] };
    const right = hits.some((hit) => hit.text.includes(expected));
    found += right ? 1 : 0;
    console.log(`? ${question}`);
    for (const [index, hit] of hits.slice(0, 2).entries()) {
      console.log(`  ${index + 1}. ${hit.text}\n     because of ${why(hit)}`);
    }
  }
  await client.close();
  const again = await connect({ MEMORY_DATA_DIR: dataFolder });
  const { live } = await call(again, 'memory_stats', {});
  await again.close();
  console.log(
    `\n${found} of ${QUESTIONS.length} answers were among the first three. After a restart the store has ${String(live)} memories.`,
  );
  if (found < QUESTIONS.length - 1 || live !== notes.length)
    throw new Error('the demo did not find the expected notes');
}

try {
  await main();
  await twoMachines();
} finally {
  rmSync(dataFolder, { recursive: true, force: true });
}
