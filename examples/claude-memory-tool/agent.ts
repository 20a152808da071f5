// An agent on the Claude API whose memory tool keeps its files as versioned memories. Here a small server on this machine
// stands for the API, so that it runs without a key: `npm run example:memory-tool`. With the real one, set ANTHROPIC_API_KEY.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryTool, MEMORY_TOOL, type MemoryTool, openMemory } from 'faiss-memory';
import { startFakeApi } from './fake-api.ts';

interface Block {
  readonly type: string;
  readonly id?: string;
  readonly text?: string;
  readonly input?: unknown;
}

interface Api {
  readonly address: string;
  readonly key: string;
}

/** One conversation: asks, does what the model calls the tool for, and gives its last words. */
async function converse(api: Api, tool: MemoryTool, prompt: string): Promise<string> {
  const messages: object[] = [{ role: 'user', content: prompt }];
  for (;;) {
    const response = await fetch(`${api.address}/v1/messages`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-api-key': api.key,
        'anthropic-version': '2023-06-01',
        'anthropic-beta': 'context-management-2025-06-27',
      },
      body: JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 1_024, tools: [MEMORY_TOOL], messages }),
    });
    if (!response.ok) throw new Error(`the API answered ${response.status}: ${await response.text()}`);
    const { content } = (await response.json()) as { content: Block[] };
    const calls = content.filter(({ type }) => type === 'tool_use');
    if (calls.length === 0) return content.map(({ text = '' }) => text).join('');
    const results = calls.map(async ({ id, input }) => {
      return { type: 'tool_result', tool_use_id: id, ...(await tool.run(input)) };
    });
    messages.push({ role: 'assistant', content }, { role: 'user', content: await Promise.all(results) });
  }
}

const key = process.env['ANTHROPIC_API_KEY'] ?? '';
const fake = key === '' ? await startFakeApi() : undefined;
const api: Api = { address: fake?.address ?? 'https://api.anthropic.com', key };
const dataDir = mkdtempSync(join(tmpdir(), 'faiss-memory-tool-'));
try {
  await using memory = openMemory({ dataDir });
  const tool = createMemoryTool(memory, { project: 'ann' });
  console.log(`first: ${await converse(api, tool, 'I drink my coffee with oat milk. Keep that in mind.')}`);
  console.log(`second: ${await converse(api, tool, 'Not oat milk any more, soy milk.')}`);
  console.log(`third: ${await converse(api, tool, 'What do I take with my coffee?')}`);
  const { memories } = await memory.list();
  const versions = await memory.history(memories[0]?.id ?? '');
  console.log(`versions: ${versions.map(({ text }) => text.trim()).join(' | ')}`);
} finally {
  await fake?.close();
  rmSync(dataDir, { recursive: true, force: true });
}
