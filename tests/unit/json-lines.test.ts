import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Memory } from '../../src/memory/memory.ts';
import { compareText } from '../../src/memory/version.ts';
import { exportJsonLines } from '../../src/import-export/export-json-lines.ts';
import { jsonLines } from '../../src/import-export/formats/json-lines.ts';
import { type ImportRequest, runImport } from '../../src/import-export/run-import.ts';
import type { ImportProblem, ImportProgress, ImportSummary } from '../../src/import-export/import-report.ts';
import { InMemoryImporter, memoryOf } from '../helpers/in-memory-importer.ts';

const ID = '01890000-0000-7000-8000-000000000001';
const EXPORTED_AT = Date.parse('2026-01-31T12:00:00Z');

interface ImportRun {
  readonly summary: ImportSummary;
  readonly problems: readonly ImportProblem[];
  readonly rejects: string;
  readonly progress: readonly ImportProgress[];
}

interface Setup extends Pick<Partial<ImportRequest>, 'signal' | 'batchSize' | 'maxEntryBytes'> {
  readonly importer?: InMemoryImporter;
  readonly overwrite?: boolean;
  readonly chunkSize?: number;
}

async function importBytes(content: string | Uint8Array, setup: Setup = {}): Promise<ImportRun> {
  const { importer = new InMemoryImporter(), overwrite = false, chunkSize = 7, ...others } = setup;
  const problems: ImportProblem[] = [];
  const progress: ImportProgress[] = [];
  const rejects: Uint8Array[] = [];
  const summary = await runImport({
    ...others,
    format: jsonLines,
    source: { kind: 'text', name: '', bytes: inChunks(Buffer.from(content), chunkSize) },
    importBatch: (drafts) => importer.importBatch(drafts, { onConflict: overwrite ? 'overwrite' : 'keep' }),
    onProblem: (problem) => problems.push(problem),
    onProgress: (state) => progress.push(state),
    onReject: (bytes) => void rejects.push(Buffer.from(bytes)),
  });
  return { summary, problems, progress, rejects: Buffer.concat(rejects).toString('utf8') };
}

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) {
    await Promise.resolve();
    yield bytes.subarray(start, start + size);
  }
}

async function exported(batches: readonly (readonly Memory[])[]): Promise<string> {
  let text = '';
  const write = (chunk: string): Promise<void> => {
    text += chunk;
    return Promise.resolve();
  };
  async function* all(): AsyncGenerator<readonly Memory[]> {
    for (const batch of batches) {
      await Promise.resolve();
      yield batch;
    }
  }
  await exportJsonLines(all(), { write, exportedAt: EXPORTED_AT });
  return text;
}

describe('export', () => {
  test('writes a header, one line per memory and a last line with the count', async () => {
    const memory = memoryOf(ID, {
      text: 'two\nlines',
      tags: ['a', 'b'],
      source: 'chat',
      metadata: { project: 'shop' },
      createdAt: 0,
      updatedAt: 1,
    });
    expect((await exported([[memory], []])).split('\n')).toEqual([
      '{"format":"faiss-memory-export","version":1,"exported_at":"2026-01-31T12:00:00.000Z"}',
      `{"id":"${ID}","text":"two\\nlines","tags":["a","b"],"source":"chat","metadata":{"project":"shop"},` +
        '"created_at":"1970-01-01T00:00:00.000Z","updated_at":"1970-01-01T00:00:00.001Z"}',
      '{"format":"faiss-memory-export","end":true,"count":1}',
      '',
    ]);
  });

  test('comes back equal, and again without adding anything', async () => {
    await fc.assert(
      fc.asyncProperty(memories(), fc.integer({ min: 1, max: 4_096 }), async (all, chunkSize) => {
        const importer = new InMemoryImporter();
        const text = await exported([all]);
        const first = await importBytes(text, { importer, chunkSize, batchSize: 3 });
        expect(first.problems).toEqual([]);
        expect(first.summary).toMatchObject({ added: all.length, warnings: [], completed: true });
        expect([...importer.memories.values()]).toEqual(all);
        const second = await importBytes(text, { importer, chunkSize });
        expect(second.summary).toMatchObject({ added: 0, existing: all.length, conflicts: 0, rejected: 0 });
      }),
    );
  });
});

function memories(): fc.Arbitrary<Memory[]> {
  const text = fc.string({ unit: 'grapheme', maxLength: 30 });
  const tags = fc.uniqueArray(
    fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 9 })
      .map((tag) => `t${tag}t`.normalize('NFC').replaceAll('\0', '')),
    { maxLength: 4 },
  );
  const metadata = fc.dictionary(
    fc.string({ maxLength: 8 }).map((key) => `k${key.replaceAll('\0', '')}`),
    fc.oneof(fc.boolean(), fc.integer(), fc.constant(null), fc.constantFrom('text', '✓')),
    { maxKeys: 3, noNullPrototype: true },
  );
  const time = fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 });
  const one = fc.record({ id: fc.uuid(), text, tags, metadata, createdAt: time, updatedAt: time });
  return fc.uniqueArray(one, { selector: ({ id }) => id, maxLength: 12 }).map((all) =>
    all.map(({ id, text: content, tags: labels, ...others }) =>
      memoryOf(id, {
        ...others,
        text: `x${content.replaceAll('\0', '')}`,
        tags: [...labels].sort(compareText),
        source: 'test',
      }),
    ),
  );
}

describe('import', () => {
  test('takes hand-made lines and the shapes of other programs', async () => {
    const importer = new InMemoryImporter();
    const lines = [
      '{"text":"only a text"}',
      '{"content":"by content","tags":"b, a,,b","created_at":1700000000.5,"user_id":"ann"}',
      '{"id":"mem_7","memory":"by memory","tags":null,"metadata":{"user_id":"x"},"user_id":"ann","embedding":[0.1,0.2]}',
      '{"text":"wins","content":"moved","createdAt":"2026-01-31 10:00","updatedAt":"2026-02-01T10:00:00+02:00"}',
    ];
    const { summary, problems } = await importBytes(lines.join('\n'), { importer });
    expect(problems).toEqual([]);
    expect(summary).toMatchObject({
      added: 4,
      lines: 4,
      moved: { user_id: 2, imported_id: 1, content: 1 },
      ignored: { embedding: 1 },
    });
    expect([...importer.memories.values()]).toMatchObject([
      { text: 'only a text', tags: [], source: '', metadata: {} },
      { text: 'by content', tags: ['a', 'b'], metadata: { user_id: 'ann' }, createdAt: 1_700_000_000_500 },
      { text: 'by memory', metadata: { user_id: 'x', imported_user_id: 'ann', imported_id: 'mem_7' } },
      {
        text: 'wins',
        metadata: { content: 'moved' },
        createdAt: Date.parse('2026-01-31T10:00:00Z'),
        updatedAt: Date.parse('2026-02-01T08:00:00Z'),
      },
    ]);
  });

  test('reads a byte order mark, CRLF, empty lines and a last line without an end', async () => {
    const { summary } = await importBytes('\uFEFF{"text":"a"}\r\n\r\n \n{"text":"b"}');
    expect(summary).toMatchObject({ lines: 4, added: 2, rejected: 0, bytes: 33 });
  });

  test('reports each bad line with its number and goes on', async () => {
    const bad = [
      '{"text":"cut',
      '["a list"]',
      '"a text"',
      '{"tags":["no text"]}',
      '{"text":"   "}',
      '{"text":"\\ud800 alone"}',
      `{"text":"${'long '.repeat(300)}"}`,
      '{"text":"x","tags":[7]}',
      '{"text":"x","created_at":"yesterday"}',
      '{"text":"x","created_at":"2026-02-30"}',
      '{"text":"x","metadata":[]}',
      `{"text":"x","metadata":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      '{"text":"a","tags":["t"],"source":{}}',
    ];
    const content = [...bad.flatMap((line) => [line, '{"text":"good"}'])].join('\n');
    const { summary, problems, rejects } = await importBytes(`{"text":"first"}\n${content}\n`, {
      chunkSize: 4_096,
    });
    expect(summary).toMatchObject({
      added: 2,
      existing: bad.length - 1,
      rejected: bad.length,
      completed: true,
    });
    expect(problems.map(({ line = 0 }) => line).sort((a, b) => a - b)).toEqual(
      bad.map((_, index) => 2 + 2 * index),
    );
    for (const { problem } of problems)
      expect(problem).toMatch(/^(line|text|tags|created_at|metadata|source)/);
    expect(new Set(rejects.split('\n'))).toEqual(new Set([...bad, '']));
  });

  test('names the cause', async () => {
    const problemOf = async (line: string | Uint8Array): Promise<string | undefined> =>
      (await importBytes(Buffer.concat([Buffer.from('\n'), Buffer.from(line), Buffer.from('\n')])))
        .problems[0]?.problem;
    expect(await problemOf('{"text":')).toContain('is not JSON');
    expect(await problemOf('{}')).toBe('text is missing; allowed is a text in text, content, memory');
    expect(await problemOf('{"text":"\\udc00"}')).toContain('lone surrogate');
    expect(await problemOf(Buffer.from([0x7b, 0xff, 0x7d]))).toContain('not UTF-8');
    expect((await importBytes('{"text":"a"}\n{"text":"b')).problems).toMatchObject([
      { line: 2, problem: 'line is incomplete: the file ends inside it' },
    ]);
  });

  test('passes over a line that is too long without holding it', async () => {
    const SIZE = 50_000_000;
    const piece = Buffer.alloc(100_000, 'x');
    async function* file(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{"text":"before"}\n{"text":"');
      for (let sent = 0; sent < SIZE; sent += piece.length) {
        await Promise.resolve();
        yield piece;
      }
      yield Buffer.from('"}\n{"text":"after"}\n');
    }
    let longest = 0;
    let kept = 0;
    const problems: ImportProblem[] = [];
    const importer = new InMemoryImporter();
    const summary = await runImport({
      format: jsonLines,
      source: { kind: 'text', name: '', bytes: file() },
      importBatch: (drafts) => importer.importBatch(drafts),
      maxEntryBytes: 1_000_000,
      onProblem: (problem) => problems.push(problem),
      onReject: (bytes) => {
        longest = Math.max(longest, bytes.length);
        kept += bytes.length;
      },
    });
    expect(summary).toMatchObject({ added: 2, rejected: 1, lines: 3 });
    expect(problems).toEqual([{ line: 2, kind: 'rejected', problem: 'line is longer than 1000000 bytes' }]);
    expect(kept).toBe(SIZE + '{"text":""}\n'.length);
    expect(longest).toBeLessThan(1_200_000);
  });

  test('keeps what is there, or overwrites it when asked to', async () => {
    const importer = new InMemoryImporter();
    await importBytes(`{"id":"${ID}","text":"old"}`, { importer });
    const line = `{"id":"${ID.toUpperCase()}","text":"new"}`;
    const kept = await importBytes(line, { importer });
    expect(kept.summary).toMatchObject({ conflicts: 1, added: 0 });
    expect(kept.problems).toEqual([
      {
        line: 1,
        id: ID,
        kind: 'conflict',
        problem: 'the memory with this id has other content in this store, which was kept',
      },
    ]);
    expect(kept.rejects).toBe(`${line}\n`);
    expect(importer.memories.get(ID)?.text).toBe('old');
    const replaced = await importBytes(kept.rejects, { importer, overwrite: true });
    expect(replaced.summary).toMatchObject({ updated: 1, conflicts: 0 });
    expect(importer.memories.get(ID)?.text).toBe('new');
  });

  test('does not bring back what was deleted here', async () => {
    const importer = new InMemoryImporter();
    const line = `{"id":"${ID}","text":"old"}`;
    await importBytes(line, { importer });
    importer.deleted.add(ID);
    expect((await importBytes(line, { importer })).summary).toMatchObject({
      conflicts: 1,
      added: 0,
      existing: 0,
    });
  });

  test('works in batches and reports progress', async () => {
    const importer = new InMemoryImporter();
    const content = Array.from({ length: 7 }, (_, index) => `{"text":"memory ${index}"}\n`).join('');
    const { progress } = await importBytes(content, { importer, batchSize: 3 });
    expect(importer.batchSizes).toEqual([3, 3, 1]);
    expect(progress.map(({ lines, added }) => [lines, added])).toEqual([
      [3, 3],
      [6, 6],
      [7, 7],
    ]);
    expect(progress.at(-1)?.bytes).toBe(content.length);
  });

  test('stops when asked to, and goes on when run again', async () => {
    const importer = new InMemoryImporter();
    const controller = new AbortController();
    const content = Array.from({ length: 10 }, (_, index) => `{"text":"memory ${index}"}`).join('\n');
    const first = await runImport({
      format: jsonLines,
      source: { kind: 'text', name: '', bytes: inChunks(Buffer.from(content), 5) },
      importBatch: (drafts) => importer.importBatch(drafts),
      batchSize: 4,
      signal: controller.signal,
      onProgress: () => {
        controller.abort();
      },
    });
    expect(first).toMatchObject({ completed: false, added: 4 });
    const second = await importBytes(content, { importer });
    expect(second.summary).toMatchObject({ completed: true, added: 6, existing: 4 });
  });

  test('warns about an export that is cut off or has lost lines', async () => {
    const one = await exported([[memoryOf(ID, { text: 'a', tags: [], source: '', metadata: {} })]]);
    const lines = one.trimEnd().split('\n');
    const warningsOf = async (text: string): Promise<number> =>
      (await importBytes(text)).summary.warnings.length;
    expect(await warningsOf(one)).toBe(0);
    expect(await warningsOf(one + one)).toBe(0);
    expect(await warningsOf(lines.slice(0, 2).join('\n'))).toBe(1);
    expect(await warningsOf([lines[0], lines[2]].join('\n'))).toBe(1);
    expect(await warningsOf(lines.slice(1, 2).join('\n'))).toBe(0);
  });

  test('refuses files of another kind as a whole', async () => {
    const refusal = (content: string | Uint8Array): Promise<unknown> =>
      importBytes(content).catch((error: unknown) => error);
    expect(await refusal('\n[\n{"text":"a"}\n]')).not.toHaveProperty('code');
    expect(await refusal(' [{"text":"a"}]')).toMatchObject({ code: 'INVALID_INPUT', field: 'file' });
    expect(await refusal(Buffer.from('\uFEFF{"text":"a"}', 'utf16le'))).toMatchObject({ field: 'file' });
    expect(await refusal(Buffer.from([0x1f, 0x8b, 8, 0]))).toMatchObject({ field: 'file' });
    expect(await refusal('{"format":"faiss-memory-export","version":2}')).toMatchObject({ field: 'line 1' });
  });

  test('passes on what the store throws', async () => {
    const failure = new Error('disk full');
    await expect(
      runImport({
        format: jsonLines,
        source: { kind: 'text', name: '', bytes: inChunks(Buffer.from('{"text":"a"}'), 9) },
        importBatch: () => Promise.reject(failure),
      }),
    ).rejects.toBe(failure);
  });

  test('survives any bytes: every line is imported, empty or reported, and none is lost', async () => {
    const fragment = fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc.json().map((json) => Buffer.from(json)),
      fc
        .constantFrom('\n', '\r\n', '{"text":"a"}', '{"text":', '"}', '[', '\0', '\u2028')
        .map((text) => Buffer.from(text)),
    );
    const file = fc
      .array(fragment, { maxLength: 30 })
      .map((parts) => Buffer.concat([Buffer.from('\n'), ...parts]));
    await fc.assert(
      fc.asyncProperty(file, fc.integer({ min: 1, max: 50 }), async (bytes, chunkSize) => {
        const { summary, problems } = await importBytes(bytes, { chunkSize, maxEntryBytes: 40 });
        const ends = bytes.reduce((count, byte) => count + (byte === 0x0a ? 1 : 0), 0);
        expect(summary.lines).toBe(bytes.at(-1) === 0x0a ? ends : ends + 1);
        expect(summary.bytes).toBe(bytes.length);
        expect(problems.length).toBe(summary.rejected + summary.conflicts);
        const filled = bytes
          .toString('utf8')
          .split('\n')
          .filter((line) => line.trim() !== '');
        expect(summary.added + summary.existing + summary.conflicts + summary.rejected).toBe(filled.length);
      }),
    );
  });
});
