import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, test } from 'vitest';
import { startServer } from '../helpers/http-server.ts';
import { connectV1, type ConnectedClient } from '../helpers/mcp/clients.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';
import { sendJson } from '../helpers/send-json.ts';

/** Texts whose tokens are dear in different ways. */
const SCRIPTS: Readonly<Record<string, string>> = {
  English: 'The staging deployment of the billing service was moved to another cluster on Tuesday evening. ',
  Chinese: '预发布环境的计费服务于周二晚间迁移到另一个集群，因为那里的证书会自动续期。',
  Thai: 'บริการเรียกเก็บเงินถูกย้ายไปยังคลัสเตอร์อื่นในเย็นวันอังคาร ',
  emoji: '🚀🧑🏽‍💻🎉 deployment ✅❤️‍🔥 ',
  code: 'if (deployment?.["state"] !== \'ok\') { throw new Error(`failed: ${id}`); }\n',
  base64:
    'deployment iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg== ',
};
const SIZES = [1_000, 2_000, 5_000, 20_000] as const;

const tokensOf = (...parts: readonly string[]): number =>
  parts.reduce((sum, part) => sum + encode(part, { allowedSpecial: 'all' }).length, 0);

/** Ten short and ten long memories of a script, all found by one word. */
function memoriesIn(sample: string): { text: string; tags: string[]; source: string }[] {
  return Array.from({ length: 20 }, (_, index) => ({
    text: `deployment ${index}: ${sample.repeat(index % 2 === 0 ? 1 : 40)}`,
    tags: ['ops', `week-${index}`],
    source: 'weekly meeting',
  }));
}

async function measured(client: ConnectedClient, name: string, values: Record<string, unknown>) {
  const answer = await client.call(name, values);
  expect(answer.isError, answer.text).toBe(false);
  return { ...answer, tokens: tokensOf(answer.text, JSON.stringify(answer.data)) };
}

interface ReadPart {
  readonly text: string;
  readonly details?: string;
  readonly versions?: readonly { readonly text: string }[];
  readonly next_cursor?: string;
}

type Hits = { id: string; text: string; truncated?: boolean }[];

describe('max_tokens of a tool', () => {
  test.each(Object.entries(SCRIPTS))('holds for texts in %s', async (_, sample) => {
    const client = await connectV1(temporaryFolder());
    await client.call('memory_add', { memories: memoriesIn(sample), on_duplicate: 'add' });
    for (const most of SIZES) {
      const search = { query: 'deployment', limit: 20, max_tokens: most };
      const found = await measured(client, 'memory_search', search);
      const listed = await measured(client, 'memory_list', { limit: 20, max_tokens: most });
      const ids = (found.data['hits'] as Hits).map(({ id }) => id);
      const got = await measured(client, 'memory_get', { ids, max_tokens: most });
      expect([found.tokens, listed.tokens, got.tokens].filter((tokens) => tokens > most)).toEqual([]);
      expect(ids.length).toBeGreaterThan(0);
    }
  });

  test('gives whole texts where there is room, the best sentences where not, and the others on demand', async () => {
    const client = await connectV1(temporaryFolder());
    const needle = 'The rollback deployment key lies in the blue safe. ';
    const filler = 'Nothing of interest happened on that day at all. ';
    const long = filler.repeat(60) + needle + filler.repeat(60);
    const memories = Array.from({ length: 30 }, (_, index) => ({ text: `${index}. ${long}` }));
    await client.call('memory_add', { memories, on_duplicate: 'add' });
    const search = { query: 'rollback deployment', limit: 30 };
    const small = await measured(client, 'memory_search', { ...search, max_tokens: 1_000 });
    const first = small.data['hits'] as Hits;
    expect(first.length).toBeLessThan(30);
    for (const { text, truncated } of first) {
      expect(text).toContain('blue safe');
      expect(truncated).toBe(true);
    }
    expect(small.text).toContain(`Shown are hits 1 to ${first.length} of 30`);
    const next = small.data['next_offset'];
    expect(small.text).toContain(`offset ${String(next)}`);
    const rest = await measured(client, 'memory_search', { ...search, offset: next, max_tokens: 1_000 });
    expect((rest.data['hits'] as Hits)[0]?.id).not.toBe(first[0]?.id);
    const large = await measured(client, 'memory_search', { ...search, limit: 3, max_tokens: 20_000 });
    for (const { text } of large.data['hits'] as Hits) expect(text.endsWith(`. ${long}`)).toBe(true);
    expect((large.data['hits'] as Hits).every(({ truncated }) => truncated === undefined)).toBe(true);
    // Without it nothing changes.
    const usual = await measured(client, 'memory_search', { ...search, limit: 3 });
    expect((usual.data['hits'] as Hits).every(({ truncated }) => truncated === true)).toBe(true);
  });

  test('of memory_get reads a long text in parts, which may change their size', async () => {
    const client = await connectV1(temporaryFolder());
    const text = 'A line about the certificates of the cluster.\n'.repeat(400);
    const metadata = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`key${index}`, 'value '.repeat(5)]),
    );
    const { data } = await client.call('memory_add', { text, metadata });
    const id = (data['results'] as { id: string }[])[0]?.id ?? '';
    const parts: { text: string; details?: string }[] = [];
    let cursor: unknown;
    for (const most of [1_000, 3_000, 1_000, ...Array.from({ length: 60 }, () => 1_500)]) {
      const part = await measured(client, 'memory_get', {
        ids: [id],
        max_tokens: most,
        ...(cursor === undefined ? {} : { cursor }),
      });
      expect(part.tokens).toBeLessThanOrEqual(most);
      parts.push(...(part.data['memories'] as { text: string; details?: string }[]));
      cursor = part.data['next_cursor'];
      if (cursor === undefined) break;
    }
    expect(cursor).toBeUndefined();
    expect(parts.map((part) => part.text).join('')).toBe(text);
    expect(JSON.parse(parts.map((part) => part.details ?? '').join(''))).toMatchObject({ metadata });
  });
});

test('GET /memory/{id} and "get" read a long memory in parts', async () => {
  const { address, dataDir } = await startServer();
  const text = 'A line about the "certificates" of the cluster.\n'.repeat(400);
  const metadata = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`key${index}`, 'value '.repeat(5)]),
  );
  const { id } = (await sendJson('POST', `${address}/memory/add`, { text: 'an older text' })) as {
    id: string;
  };
  await sendJson('PATCH', `${address}/memory/${id}`, { text, metadata });
  const parts: ReadPart[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined; cursor = parts.at(-1)?.next_cursor) {
    const response = await fetch(`${address}/memory/${id}?max_tokens=1000&cursor=${cursor}`);
    const part = await response.text();
    expect(tokensOf(part)).toBeLessThanOrEqual(1_000);
    parts.push(JSON.parse(part) as ReadPart);
  }
  expect(parts.length).toBeLessThan(20);
  expect(parts.map((part) => part.text).join('')).toBe(text);
  expect(JSON.parse(parts.map((part) => part.details ?? '').join(''))).toMatchObject({ metadata });
  expect(parts.flatMap(({ versions = [] }) => versions)).toMatchObject([{ text: 'an older text' }]);
  const whole = (await (await fetch(`${address}/memory/${id}`)).json()) as ReadPart;
  expect(whole.text).toBe(text);
  const wrong = await fetch(`${address}/memory/${id}?max_tokens=1000&cursor=0.0.0.0`);
  expect([wrong.status, await wrong.text()]).toEqual([
    400,
    expect.stringContaining('cursor is \\"0.0.0.0\\"'),
  ]);

  const get = ['get', id, '--max-tokens', '1000'];
  const data = await runProgram([...get, '--json'], { dataDir });
  expect(tokensOf(data.stdout)).toBeLessThanOrEqual(1_000);
  const first = JSON.parse(data.stdout) as { memories: ReadPart[]; next_cursor: string };
  expect(first.memories[0]?.text).toBe(parts[0]?.text);
  expect(first.next_cursor).toBe(parts[0]?.next_cursor);
  const shown = await runProgram(get, { dataDir });
  expect(shown.stdout).toContain(`characters 1 to ${parts[0]?.text.length ?? 0} of ${text.length}`);
  expect(shown.stdout).toContain(`the next part: --cursor ${first.next_cursor}`);
  const next = await runProgram([...get, '--cursor', first.next_cursor], { dataDir });
  expect(next.stdout).toContain(`characters ${(parts[0]?.text.length ?? 0) + 1} to`);
});

test('REST and the command line keep to it too, and say what was left out', async () => {
  const { address, dataDir } = await startServer();
  await sendJson('POST', `${address}/memory/add-batch`, {
    memories: memoriesIn(SCRIPTS['English'] ?? ''),
    on_duplicate: 'add',
  });
  const body = { query: 'deployment', limit: 20, max_tokens: 1_000 };
  const found = await sendJson('POST', `${address}/search`, body);
  const hits = found['hits'] as Hits;
  expect(tokensOf(JSON.stringify(found))).toBeLessThanOrEqual(1_000);
  expect(found['left_out']).toBe(20 - hits.length);
  expect(found['note']).toContain(`${20 - hits.length} more hits do not fit: raise max_tokens`);
  const ids = new Set<string>();
  let cursor = '';
  do {
    const path = `/memories?limit=20&max_tokens=2000&cursor=${cursor}`;
    const page = (await (await fetch(address + path)).json()) as { memories: Hits; next_cursor?: string };
    for (const { id } of page.memories) ids.add(id);
    cursor = page.next_cursor ?? '';
  } while (cursor !== '');
  expect(ids.size).toBe(20);
  const refused = await fetch(`${address}/memories?max_tokens=5`);
  expect(refused.status).toBe(400);
  const shell = await runProgram(['search', 'deployment', '-n', '20', '--max-tokens', '1000'], { dataDir });
  expect(shell.stdout).toContain('more hits do not fit: raise --max-tokens');
  const wrong = await runProgram(['list', '--max-tokens', '5'], { dataDir });
  expect(wrong.stderr).toContain('--max-tokens is 5');
});
