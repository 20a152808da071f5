import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode as countable } from 'gpt-tokenizer/encoding/o200k_base';
import { VECTORS_ONLY } from '../lib/filled-app.ts';
import { percentile } from '../lib/metrics.ts';
import { ms, type Report, times } from '../lib/row.ts';
import { bareNode, ServerProcess } from '../lib/server-process.ts';

const median = (values: readonly number[]): number => percentile(values, 50);

/** Start, first answer and exit of the stdio server, one process after the other. */
export async function startRows(
  report: Report,
  rounds: number,
  { dataDir, memories }: { readonly dataDir: string; readonly memories: number },
): Promise<void> {
  const [server, bare, afterStart, exit, exitWithModel]: [number[], number[], number[], number[], number[]] =
    [[], [], [], [], []];
  const search = { query: 'anything at all', mode: 'keyword' };
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    const process = new ServerProcess({ ...VECTORS_ONLY, MEMORY_DATA_DIR: dataDir });
    await process.initialize();
    server.push(performance.now() - began);
    afterStart.push(...(await times(1, () => process.call('memory_search', search))));
    exit.push(await process.end());
    bare.push(await bareNode());
  }
  for (let round = 0; round < Math.ceil(rounds / 3); round += 1) {
    const process = new ServerProcess({
      ...VECTORS_ONLY,
      MEMORY_DATA_DIR: dataDir,
      MEMORY_EMBEDDING_RUNTIME: 'wasm',
    });
    await process.initialize();
    await process.call('memory_search', { ...search, mode: 'vector' });
    exitWithModel.push(await process.end());
  }
  const where = `, ${memories} memories`;
  const reference = `node -e 0: ${ms(median(bare))}`;
  const ratio = median(server) / median(bare);
  report({
    what: `spawn to initialize answered${where}`,
    measured: `${ms(median(server))}, ${ratio.toFixed(1)} x`,
    budget: '2 x',
    reference,
    ok: ratio <= 2,
  });
  const within = (what: string, measured: readonly number[], budget: number): void => {
    report({
      what: what + where,
      measured: ms(median(measured)),
      budget: ms(budget),
      reference,
      ok: median(measured) <= budget,
    });
  };
  within('keyword search right after start', afterStart, 300);
  within('exit after end of stdin', exit, 100);
  within('exit after the model was used', exitWithModel, 200);
}

/** What the tools cost of a model's context. */
export async function tokenRows(report: Report): Promise<void> {
  const server = new ServerProcess({
    MEMORY_DATA_DIR: mkdtempSync(join(tmpdir(), 'faiss-memory-bench-')),
  });
  await server.initialize();
  const { tools } = (await server.request('tools/list', {})) as { tools: unknown };
  const list = countable(JSON.stringify(tools)).length;
  const fact =
    'The billing service keeps its invoices in PostgreSQL and mirrors them every night at half past one into a schema that only the finance team may read, because the auditors asked for a copy that nobody can change after the fact and that is kept for ten years.';
  await server.call('memory_add', {
    memories: Array.from({ length: 8 }, (_, index) => ({ text: `${fact} (${index})`, tags: ['billing'] })),
  });
  const hits = (await server.call('memory_search', { query: 'where are invoices kept', limit: 5 })) as {
    content: { text: string }[];
  };
  const answer = hits.content[0]?.text ?? '';
  const five = countable(answer).length;
  const texts = countable(fact).length * 5;
  await server.end();
  report({
    what: 'tools/list, tokens (o200k)',
    measured: String(list),
    budget: '2600',
    reference: '',
    ok: list <= 2_600,
  });
  report({
    what: 'five hits, tokens (o200k)',
    measured: `${five}, ${(five / texts).toFixed(2)} x`,
    budget: '2.2 x',
    reference: `their texts alone: ${texts}`,
    ok: five <= 2.2 * texts,
  });
}
