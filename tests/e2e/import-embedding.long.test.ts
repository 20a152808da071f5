import { mkdirSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type EmbeddingServer, startEmbeddingServer } from '../helpers/embedding-server.ts';
import { runInTerminal } from '../helpers/in-terminal.ts';
import { serverEnvironment, temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';

/** An import without a terminal embeds for ten seconds. */
const LONGER_THAN_AN_IMPORT_MS = 11_000;
const MEMORIES = 60;
const CTRL_C = '\u0003';

interface Setting {
  readonly folder: string;
  readonly file: string;
  readonly endpoint: EmbeddingServer;
  readonly env: Record<string, string>;
}

async function prepare(): Promise<Setting> {
  const endpoint = await startEmbeddingServer();
  onTestFinished(() => endpoint.close());
  const folder = temporaryFolder();
  const file = join(folder, 'memories.jsonl');
  const lines = Array.from({ length: MEMORIES }, (_, index) => JSON.stringify({ text: `Fact ${index}` }));
  writeFileSync(file, lines.join('\n'));
  const env = serverEnvironment(folder, {
    MEMORY_EMBEDDING_PROVIDER: 'openai',
    MEMORY_EMBEDDING_BASE_URL: endpoint.url,
  });
  return { folder, file, endpoint, env };
}

/** Answers the first requests and gives some of the next ones this answer. @returns ends that */
function holdBack({ endpoint }: Setting, answer: (response: ServerResponse) => void): () => void {
  let requests = 0;
  let holds = true;
  endpoint.script.shift = () => {
    requests += 1;
    return holds && requests > 8 && requests <= 12 ? answer : undefined;
  };
  return () => {
    holds = false;
  };
}

describe.skipIf(process.platform === 'win32')('the vectors of an import', () => {
  test('are all made in a terminal, which shows how far they are', async () => {
    const setting = await prepare();
    holdBack(setting, (response) => {
      setTimeout(() => response.writeHead(503, { 'retry-after': '0' }).end(), LONGER_THAN_AN_IMPORT_MS);
    });
    const { screen, code } = await runInTerminal(`import ${setting.file}`, setting.env);
    expect(screen).toMatch(/Embedding \[/);
    expect(screen).toContain(`${MEMORIES} memories added`);
    expect(screen).not.toContain('no embedding');
    expect(code).toBe(0);
  });

  test('stay when Ctrl-C ends it, and the command that it names makes the others', async () => {
    const setting = await prepare();
    const end = holdBack(setting, () => undefined);
    let typed = false;
    const { screen } = await runInTerminal(`import ${setting.file}`, setting.env, (shown) => {
      if (typed || !shown.includes('Embedding [')) return '';
      typed = true;
      return CTRL_C;
    });
    expect(screen).toMatch(/\d+ memories have no embedding yet, because you stopped it.*a running server/s);
    expect(screen).toContain('run this: faiss-memory reembed');
    end();
    const { stdout } = await runProgram(['reembed'], { dataDir: setting.folder, env: setting.env });
    expect(stdout).toContain('0 left');
  });

  test('are left to a server or a command after ten seconds without a terminal', async () => {
    const setting = await prepare();
    holdBack(setting, (response) => {
      setTimeout(() => response.writeHead(503, { 'retry-after': '0' }).end(), LONGER_THAN_AN_IMPORT_MS);
    });
    const dataDir = join(setting.folder, "Ada's memories");
    mkdirSync(dataDir);
    const run = { dataDir: setting.folder, env: setting.env };
    const imported = await runProgram(['import', setting.file, '--data-dir', dataDir, '--json'], run);
    expect(imported.code).toBe(0);
    const { embedding } = JSON.parse(imported.stdout) as { embedding: { pending: number; fix: string } };
    expect(embedding.pending).toBeGreaterThan(0);
    const shell = embedding.fix.replace(/^faiss-memory/, '$FAISS_MEMORY');
    const fixed = await runProgram([], { ...run, shell });
    expect(fixed.stdout).toContain('0 left');
    const stats = await runProgram(['stats', '--data-dir', dataDir, '--json'], run);
    expect(stats.stdout).toMatch(/"pending": 0/);
  });
});
