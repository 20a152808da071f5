import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { startEmbeddingServer } from '../helpers/embedding-server.ts';
import { type ProgramRun, runProgram } from '../helpers/run-program.ts';
import { writeTinyModel } from '../helpers/tiny-model.ts';

let home: string;
let config: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'faiss-memory-model-'));
  config = join(home, 'config.json');
});

afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ProgramRun> {
  const environment = {
    MEMORY_EMBEDDING_PROVIDER: '',
    MEMORY_EMBEDDING_RUNTIME: 'wasm',
    XDG_DATA_HOME: join(home, 'data'),
    ...env,
  };
  // A named file has to exist; the default one does not.
  const named = existsSync(config) ? { MEMORY_CONFIG: config } : {};
  return runProgram(args, { dataDir: home, env: { ...environment, ...named } });
}

async function json(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<unknown> {
  return JSON.parse((await run([...args, '--json'], env)).stdout);
}

test('a model in a folder is taken, used, checked, and left again', async () => {
  writeFileSync(config, '{\n  "trashDays": 9\n}\n');
  const folder = join(home, 'tiny');
  writeTinyModel(folder);
  const used = await run(['model', 'use', folder]);
  expect(used.stdout).toContain('tiny (dimension 16) works');
  expect(used.stdout).toContain('reembed --drop-others');
  expect(JSON.parse(readFileSync(config, 'utf8'))).toEqual({
    trashDays: 9,
    embedding: { provider: 'local', modelDirectory: folder },
  });
  expect(await json(['model'])).toMatchObject({
    models: expect.arrayContaining([
      expect.objectContaining({ name: 'tiny', state: 'in use', dimension: 16, folder }),
      expect.objectContaining({ name: 'multilingual-e5-small', state: 'not installed', licence: 'MIT' }),
    ]) as unknown,
  });
  await run(['add', 'die Rechnungen']);
  await run(['add', 'чай и чай']);
  expect(await json(['search', 'die Rechnung', '--mode', 'vector', '--limit', '1'])).toMatchObject({
    hits: [{ text: 'die Rechnungen' }],
  });
  expect((await run(['doctor'])).stdout).toContain('local:tiny, provider local');
  writeFileSync(join(folder, 'tokenizer.json'), '{}');
  const broken = await run(['doctor']);
  expect(broken.code).toBe(1);
  expect(broken.stdout).toMatch(/FAIL {2}model: The model file .*tokenizer\.json is damaged/);
  rmSync(folder, { recursive: true });
  expect((await run(['doctor'])).stdout).toMatch(/FAIL {2}model: The description .* cannot be read/);
  expect(await json(['model'])).toMatchObject({
    models: expect.arrayContaining([expect.objectContaining({ name: 'tiny', state: 'damaged' })]) as unknown,
  });
  expect((await run(['model', 'use', 'bundled'])).code).toBe(0);
  expect(readFileSync(config, 'utf8')).toBe('{\n  "trashDays": 9\n}\n');
}, 180_000);

test('a model behind an address is asked before it is taken', async () => {
  const server = await startEmbeddingServer();
  onTestFinished(() => server.close());
  writeFileSync(config, '{}');
  const args = ['model', 'use', server.url, '--model', 'bge-m3', '--query-prefix', 'q: '];
  expect(await json(args)).toMatchObject({ used: { model_id: 'openai:bge-m3' }, changed: true });
  expect(JSON.parse(readFileSync(config, 'utf8'))).toEqual({
    embedding: { provider: 'openai', baseUrl: server.url, model: 'bge-m3', queryPrefix: 'q: ' },
  });
  expect(await json(args)).toMatchObject({ changed: false });
  server.script.push((response) => response.writeHead(401).end());
  const refused = await run(['model', 'use', server.url, '--model', 'other']);
  expect(refused.code).not.toBe(0);
  expect(readFileSync(config, 'utf8')).not.toContain('other');
});

test('a download is asked for, and a page instead of the model changes nothing', async () => {
  const pages = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>');
  });
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void pages.close());
  const hub = { HF_ENDPOINT: `http://127.0.0.1:${(pages.address() as AddressInfo).port}` };
  const args = ['model', 'use', 'multilingual-e5-small'];
  const unasked = await run(args, hub);
  expect(unasked.stderr).toMatch(/Fetch multilingual-e5-small \(129\.1 MiB, licence MIT.*--yes/s);
  expect(existsSync(join(home, 'data'))).toBe(false);
  const page = await run([...args, '--yes'], hub);
  expect(page.stderr).toContain('answers with something else than the file');
  expect(existsSync(config)).toBe(false);
  const plain = await run([...args, '--yes'], { HF_ENDPOINT: 'http://models.example.org' });
  expect(plain.stderr).toContain('over https only');
});

test('a variable that wins over the file is named, and wrong words are explained', async () => {
  mkdirSync(join(home, 'empty'));
  const folder = join(home, 'tiny');
  writeTinyModel(folder);
  const used = await json(['model', 'use', folder], { MEMORY_EMBEDDING_PROVIDER: 'none' });
  expect(used).toMatchObject({ changed: true, overridden_by: ['MEMORY_EMBEDDING_PROVIDER'] });
  expect((await run(['model', 'use', 'multilingual-e5-smal'])).stderr).toContain('did you mean');
  expect((await run(['model', 'use', join(home, 'empty')])).stderr).toContain('has none of model.onnx');
  expect((await run(['model', 'use', 'bundled', '--pooling', 'mean'])).code).not.toBe(0);
});
