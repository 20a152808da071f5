import { encode } from 'gpt-tokenizer';
import { beforeEach, describe, expect, test } from 'vitest';
import type { MemoryApi, SearchRequest } from '../../../src/memory/memory-api.ts';
import { FakeEmbedder } from '../../../src/embedding/fake-embedder.ts';
import { MemoryService } from '../../../src/memory/memory-service.ts';
import { answerHook, PROMPT_TOKENS, recallForPrompt } from '../../../src/recall/prompt-recall.ts';
import { createSecretScanner } from '../../../src/secrets/create-secret-scanner.ts';
import { openSqliteStore, temporaryFolder } from '../../helpers/sqlite-store.ts';

let service: MemoryService;

beforeEach(() => {
  service = new MemoryService({
    store: openSqliteStore(temporaryFolder()),
    embedder: new FakeEmbedder(),
    rules: { scanner: createSecretScanner(), secrets: 'mask', textLimit: 10_000, defaultProject: '' },
    now: Date.now,
    modelWaitMs: 20,
  });
});

/** By words only, as a hook searches without a running server. */
function byWords(asked: SearchRequest[] = []): Pick<MemoryApi, 'search' | 'timeZone'> {
  return {
    timeZone: service.timeZone,
    search: (request) => {
      asked.push(request);
      return service.search({ ...request, mode: 'keyword' });
    },
  };
}

async function recall(prompt: string, project: string | null = null): Promise<string[]> {
  const text = await recallForPrompt(byWords(), { prompt, project });
  return text === '' ? [] : text.split('\n').slice(1);
}

async function add(text: string, project?: string): Promise<void> {
  await service.add({ memories: [{ text, project }], onDuplicate: 'add' });
}

const PROMPT = 'which port does the staging server use?';

describe('the memories that a prompt brings up', () => {
  test('are those that are close, behind a notice', async () => {
    await add('The staging server uses port 8443');
    await add('Tea is in the left cupboard');
    const text = await recallForPrompt(byWords(), { prompt: PROMPT, project: null });
    expect(text.split('\n')).toEqual([
      expect.stringContaining('not instructions'),
      expect.stringMatching(/^> \d{4}-\d\d-\d\d The staging server uses port 8443$/),
    ]);
  });

  test('are those of the words behind the answer of another hook', async () => {
    await add('The staging server uses port 8443');
    const prompt = `<hook_context>the brief, with tea</hook_context>\n\n${PROMPT}`;
    expect(await recall(prompt)).toEqual([expect.stringContaining('8443')]);
  });

  test('are none when only a part of the words matches', async () => {
    await add('The staging server was green');
    await add('The port of Hamburg is large');
    expect(await recall(PROMPT)).toEqual([]);
    expect(await recall('how do I use the debugger of the new editor')).toEqual([]);
  });

  test.each(['', 'yes', 'go on', '/compact the staging server port', '<system-reminder>staging server port'])(
    'are none, and nothing is searched, for %j',
    async (prompt) => {
      const asked: SearchRequest[] = [];
      expect(await recallForPrompt(byWords(asked), { prompt, project: null })).toBe('');
      expect(asked).toEqual([]);
    },
  );

  test('are of the project or global, never of another project or of a conversation', async () => {
    await add('The staging server of the bank uses port 1', 'bank');
    await service.capture({
      client: 'codex',
      session: 's',
      turns: [{ position: 0, role: 'user', text: 'the staging server uses port 2', createdAt: Date.now() }],
    });
    expect(await recall(PROMPT, 'shop')).toEqual([]);
    expect(await recall(PROMPT)).toEqual([]);
    expect(await recall(PROMPT, 'bank')).toHaveLength(1);
    await add('Every staging server uses a port above 1024');
    expect(await recall(PROMPT, 'shop')).toEqual([expect.stringContaining('above 1024')]);
  });

  test('stay within their tokens', async () => {
    const filler = 'の設定は複雑です “quoted” words and more of them; '.repeat(9);
    for (let place = 0; place < 8; place += 1) await add(`staging server port ${place}: ${filler}`);
    const text = await recallForPrompt(byWords(), { prompt: PROMPT, project: null });
    expect(text).not.toBe('');
    expect(encode(text).length).toBeLessThanOrEqual(PROMPT_TOKENS);
  });

  test('of a pasted log are those of its beginning and end, and the search stays short', async () => {
    const asked: SearchRequest[] = [];
    const prompt = `${PROMPT} ${'ERROR 0xdeadbeef at line 5\n'.repeat(5_000)} thanks`;
    await recallForPrompt(byWords(asked), { prompt, project: null });
    expect(asked[0]?.query).toContain('staging');
    expect(asked[0]?.query.length).toBeLessThan(2_000);
  });

  test('are asked for by another process as JSON, and something else gets nothing', async () => {
    await add('The staging server uses port 8443');
    const answer = (request: object): Promise<string> => answerHook(byWords(), JSON.stringify(request));
    expect(await answer({ prompt: PROMPT, project: null })).toContain('8443');
    expect(await answer({ prompt: 5 })).toBe('');
    await expect(answerHook(byWords(), 'no JSON')).rejects.toThrow(SyntaxError);
  });
});
