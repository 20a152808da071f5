import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MIN_ROW_BYTES } from '../../../src/backup/format/names.ts';
import type { SegmentEntry } from '../../../src/backup/format/manifest.ts';
import type { CarriedVersion, MemoryState } from '../../../src/backup/ports.ts';
import { ObjectChecker } from '../../../src/backup/format/object-checker.ts';
import { decodeRow, encodeRow } from '../../../src/backup/format/row.ts';
import { decodeSegment, SegmentWriter, type EncodedSegment } from '../../../src/backup/format/segment.ts';
import { RepositoryDamagedError } from '../../../src/errors/backup-errors.ts';
import { compareText } from '../../../src/memory/version.ts';
import { idOf } from '../../helpers/model-store.ts';
import { MACHINE_A } from '../../helpers/test-repository.ts';

const checker = new ObjectChecker('v1/…');
const text = fc.string({ unit: 'grapheme', maxLength: 30 }).map((value) => value.replaceAll('\0', ''));
const time = fc.integer({ min: -8.64e15, max: 8.64e15 });
const modelId = fc.record({
  modelId: text,
  dimension: fc.integer({ min: 1, max: 16 }),
  weightsHash: fc.constantFrom('', 'ab'.repeat(32)),
});
const machine = fc.nat().map((number) => number.toString(16).padStart(16, '0'));
const dot = fc.record({ machine, n: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }) });

const version: fc.Arbitrary<CarriedVersion> = fc
  .record({
    dot,
    state: fc.constantFrom('live', 'deleted', 'stripped', 'purged'),
    text,
    tags: fc.uniqueArray(text.filter((tag) => tag !== '')).map((tags) => tags.sort(compareText)),
    source: text,
    metadata: fc.dictionary(text, fc.jsonValue() as fc.Arbitrary<null>),
    createdAt: time,
    updatedAt: time,
    vectors: fc.array(modelId).map((stamps) =>
      stamps.map((one) => ({
        modelId: one,
        chunks: [{ start: 0, end: 0, vector: Buffer.alloc(4 + one.dimension, 1) }],
      })),
    ),
  })
  .map((value) => {
    if (value.state === 'live' || value.state === 'deleted') return value;
    return { ...value, text: '', tags: [], source: '', metadata: {}, vectors: [] };
  });

const state: fc.Arbitrary<MemoryState> = fc.record({
  id: fc.uuid(),
  siblings: fc.uniqueArray(version, {
    minLength: 1,
    maxLength: 4,
    selector: (one) => `${one.dot.machine} ${one.dot.n}`,
  }),
});

/** A segment as a hostile or clumsy writer could make it, with an entry that fits unless changed. */
function forge(
  plain: Buffer | string,
  change: Partial<SegmentEntry> = {},
): { bytes: Buffer; entry: SegmentEntry } {
  const rows = Buffer.from(plain);
  const bytes = gzipSync(rows);
  const name = createHash('sha256').update(bytes).digest('hex');
  const count = rows.filter((byte) => byte === 10).length;
  return { bytes, entry: { name, bytes: bytes.length, plainBytes: rows.length, rows: count, ...change } };
}

async function read({ bytes, entry }: { bytes: Uint8Array; entry: SegmentEntry }): Promise<MemoryState[]> {
  const states: MemoryState[] = [];
  for await (const row of decodeSegment(bytes, entry, MACHINE_A)) states.push(row.state);
  return states;
}

describe('rows', () => {
  test('come back equal, and written again with the same bytes', () => {
    fc.assert(
      fc.property(state, (value) => {
        const line = encodeRow(value);
        expect(line.includes('\n')).toBe(false);
        expect(line.length).toBeGreaterThanOrEqual(MIN_ROW_BYTES);
        const decoded = decodeRow(Buffer.from(line), checker);
        expect(encodeRow(decoded)).toBe(line);
        expect(decoded.id).toBe(value.id);
        expect(decoded.siblings).toHaveLength(value.siblings.length);
      }),
      { numRuns: 300 },
    );
  });

  const good = {
    id: idOf(1),
    siblings: [
      {
        dot: [MACHINE_A, 1],
        state: 'live',
        text: 'private words',
        tags: ['a', 'b'],
        source: '',
        metadata: {},
        createdAt: 0,
        updatedAt: 0,
        vectors: [{ model: 'm', dimension: 1, weights: '', chunks: [[0, 7, 'AACAPwE=']] }],
      },
    ],
  };
  const [sibling] = good.siblings;
  const nested = '['.repeat(200) + ']'.repeat(200);

  test('the example is good', () => {
    expect(
      decodeRow(Buffer.from(JSON.stringify(good)), checker).siblings[0]?.vectors[0]?.chunks[0]?.end,
    ).toBe(7);
  });

  test.each([
    ['no object', '[]'],
    ['not JSON', '{"id":'],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['id with a path', { ...good, id: '../../head' }],
    ['id in capitals', { ...good, id: '0190A0B0-0000-7000-8000-000000000001' }],
    ['no siblings', { ...good, siblings: [] }],
    ['a dot twice', { ...good, siblings: [sibling, sibling] }],
    ['a dot of zero', { ...good, siblings: [{ ...sibling, dot: [MACHINE_A, 0] }] }],
    ['a dot of 2^53', { ...good, siblings: [{ ...sibling, dot: [MACHINE_A, 2 ** 53] }] }],
    ['a machine that is none', { ...good, siblings: [{ ...sibling, dot: ['..', 1] }] }],
    ['an unknown state', { ...good, siblings: [{ ...sibling, state: 'gone' }] }],
    ['purged with content', { ...good, siblings: [{ ...sibling, state: 'purged' }] }],
    ['text that is a number', { ...good, siblings: [{ ...sibling, text: 5 }] }],
    ['a lone surrogate', JSON.stringify(good).replace('private', String.raw`\ud800`)],
    ['a NUL', JSON.stringify(good).replace('private', String.raw`\u0000`)],
    ['unsorted tags', { ...good, siblings: [{ ...sibling, tags: ['b', 'a'] }] }],
    ['a tag twice', { ...good, siblings: [{ ...sibling, tags: ['a', 'a'] }] }],
    ['an infinite number', JSON.stringify(good).replace('"metadata":{}', '"metadata":{"n":1e999}')],
    ['endless nesting', JSON.stringify(good).replace('"metadata":{}', `"metadata":{"n":${nested}}`)],
    ['a time that is no integer', { ...good, siblings: [{ ...sibling, createdAt: 0.5 }] }],
    ['a time that no date has', { ...good, siblings: [{ ...sibling, updatedAt: 8.64e15 + 1 }] }],
    ['a short vector', JSON.stringify(good).replace('AACAPwE=', 'AACAPw==')],
    ['a vector in other base64', JSON.stringify(good).replace('AACAPwE=', 'AACAPwF=')],
    ['an endless scale', JSON.stringify(good).replace('AACAPwE=', 'AACAfwE=')],
    ['a chunk behind the text', JSON.stringify(good).replace('[0,7,', '[0,99,')],
    ['a chunk that ends before it starts', JSON.stringify(good).replace('[0,7,', '[7,0,')],
    ['a huge dimension', JSON.stringify(good).replace('"dimension":1', '"dimension":1000000000')],
  ])('with %s are refused, without a word of the text', (_what, row) => {
    const bytes =
      typeof row === 'string' || Buffer.isBuffer(row) ? Buffer.from(row) : Buffer.from(JSON.stringify(row));
    let error: unknown;
    try {
      decodeRow(bytes, checker);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(RepositoryDamagedError);
    const shown = [error, (error as Error).cause]
      .map((part) => String((part as Error | undefined)?.stack))
      .join();
    expect(shown).not.toContain('private');
    expect(shown).not.toContain('words');
  });
});

describe('segments', () => {
  test('cut a stream of rows at the target size and lose none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(state, { minLength: 1, maxLength: 40 }), async (states) => {
        const written: EncodedSegment[] = [];
        const writer = new SegmentWriter({
          machine: MACHINE_A,
          sealer: null,
          targetBytes: 2_000,
          store: (segment) => {
            written.push(segment);
            return Promise.resolve();
          },
        });
        for (const one of states) await writer.add(Buffer.from(`${encodeRow(one)}\n`));
        const entries = await writer.finish();
        expect(entries).toEqual(written.map(({ entry }) => entry));
        for (const { plainBytes, rows } of entries) expect(plainBytes <= 2_000 || rows === 1).toBe(true);
        const found = await Promise.all(written.map(read));
        expect(found.flat().map(encodeRow)).toEqual(states.map(encodeRow));
      }),
      { numRuns: 30 },
    );
  });

  test('a writer without rows writes nothing', async () => {
    const store = (): Promise<void> => Promise.reject(new Error('nothing to store'));
    expect(await new SegmentWriter({ machine: MACHINE_A, sealer: null, store }).finish()).toEqual([]);
  });

  const row = encodeRow({
    id: idOf(1),
    siblings: [
      {
        dot: { machine: MACHINE_A, n: 1 },
        state: 'live',
        text: 'text',
        tags: [],
        source: '',
        metadata: {},
        createdAt: 0,
        updatedAt: 0,
        vectors: [],
      },
    ],
  });

  test.each([
    ['fewer rows than said', forge(`${row}\n`, { rows: 2 })],
    ['more rows than said', forge(`${row}\n${row}\n`, { rows: 1 })],
    ['more bytes than said', forge(`${row}\n`, { plainBytes: row.length })],
    ['fewer bytes than said', forge(`${row}\n`, { plainBytes: row.length + 2 })],
    ['no line feed at the end', forge(row, { rows: 1 })],
    ['an empty line', forge(`${row}\n\n`)],
    ['another size', forge(`${row}\n`, { bytes: 1 })],
    ['another name', forge(`${row}\n`, { name: '0'.repeat(64) })],
    ['a key although it is plain', forge(`${row}\n`, { contentKey: Buffer.alloc(32) })],
    ['a row nobody wrote', forge('{}\n')],
  ])('with %s are refused', async (_what, forged) => {
    await expect(read(forged)).rejects.toThrow(RepositoryDamagedError);
  });

  test('a decompression bomb stops at the size its manifest gave', async () => {
    const bomb = forge(Buffer.alloc(200 * 1024 * 1024, 0x20), { plainBytes: 1_000, rows: 1 });
    expect(bomb.bytes.length).toBeLessThan(1024 * 1024);
    const before = process.memoryUsage().arrayBuffers;
    await expect(read(bomb)).rejects.toThrow(RepositoryDamagedError);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * 1024 * 1024);
  });

  test('a row of brackets is refused before it fills the memory', async () => {
    const brackets = forge(`[${'[],'.repeat(4_000_000)}[]]\n`);
    await expect(read(brackets)).rejects.toThrow(/more structure/);
  });
});
