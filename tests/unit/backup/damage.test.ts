import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StoredBlob } from '../../../src/blob/in-memory-blob-store.ts';
import { decodeHead } from '../../../src/backup/format/head.ts';
import { decodeManifest } from '../../../src/backup/format/manifest.ts';
import { ObjectChecker } from '../../../src/backup/format/object-checker.ts';
import { FaissMemoryError } from '../../../src/errors/faiss-memory-error.ts';
import { RepositoryDamagedError } from '../../../src/errors/backup-errors.ts';
import { idOf, ModelStore } from '../../helpers/model-store.ts';
import {
  createTestRepository,
  MACHINE_A,
  MACHINE_B,
  quickKeyring,
  rowsOf,
} from '../../helpers/test-repository.ts';

const modes = [
  { mode: 'plain', keyring: null },
  { mode: 'encrypted', keyring: quickKeyring() },
] as const;
type Mode = (typeof modes)[number];

/** Two snapshots of machine A, as another machine finds them. */
async function publish({ keyring }: Mode): Promise<Map<string, StoredBlob>> {
  const { repository, objects, advance } = createTestRepository({ keyring });
  const model = new ModelStore(MACHINE_A);
  model.write(idOf(1), { text: 'private words', tags: ['tag'], metadata: { a: [1, 'x'] } });
  await repository.writeSnapshot(model.view(), { kind: 'auto' });
  advance(60_000);
  model.write(idOf(2), { text: 'more private words' });
  await repository.writeSnapshot(model.view(), { kind: 'manual' });
  return objects;
}

/** Everything that can be read from the objects, or the typed error that reading ends with. */
async function readAll({ keyring }: Mode, objects: Map<string, StoredBlob>): Promise<unknown> {
  const { repository } = createTestRepository({ keyring, objects, machine: MACHINE_B });
  try {
    const { snapshots, machines } = await repository.listSnapshots();
    const failed = machines.find(({ error }) => error !== null);
    if (failed?.error) throw failed.error;
    const rows = [];
    for (const snapshot of snapshots) rows.push([snapshot, await rowsOf(repository, snapshot)]);
    return rows;
  } catch (error) {
    return error;
  }
}

function changed(objects: Map<string, StoredBlob>, key: string, bytes: Uint8Array): Map<string, StoredBlob> {
  return new Map(objects).set(key, { bytes, lastModified: 0, etag: '' });
}

function expectCleanError(result: unknown): void {
  expect(result).toBeInstanceOf(FaissMemoryError);
  const error = result as FaissMemoryError;
  expect([
    'REPOSITORY_DAMAGED',
    'REPOSITORY_TOO_NEW',
    'OBJECT_MISSING',
    'MISSING_KEY',
    'ENCRYPTION_DOWNGRADE',
  ]).toContain(error.code);
  expect(`${error.message} ${String(error.stack)} ${String(error.fix)}`).not.toContain('private');
}

describe.each(modes)('damage in a $mode repository', (mode) => {
  test('any flipped bit of any object gives the exact result or a clean error', async () => {
    const objects = await publish(mode);
    const whole = await readAll(mode, objects);
    const keys = [...objects.keys()];
    expect(keys).toHaveLength(mode.keyring === null ? 5 : 6);
    const position = fc.record({
      key: fc.constantFrom(...keys),
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(position, async ({ key, at }) => {
        const bytes = Buffer.from(objects.get(key)?.bytes ?? []);
        const bit = Math.floor(at * bytes.length * 8);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const result = await readAll(mode, changed(objects, key, bytes));
        if (result instanceof Error) expectCleanError(result);
        else expect(result).toEqual(whole);
      }),
      { numRuns: 600 },
    );
  });

  test('any truncation, extension or replacement gives the exact result or a clean error', async () => {
    const objects = await publish(mode);
    const whole = await readAll(mode, objects);
    const keys = [...objects.keys()];
    const bytesOf = (key: string): Buffer => Buffer.from(objects.get(key)?.bytes ?? []);
    const damage = fc.oneof(
      fc.record({ cut: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ extra: fc.uint8Array({ minLength: 1, maxLength: 20 }) }),
      fc.record({ other: fc.uint8Array({ maxLength: 60 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...keys), damage, async (key, how) => {
        const bytes = bytesOf(key);
        const forged =
          'cut' in how
            ? bytes.subarray(0, Math.floor(how.cut * bytes.length))
            : 'extra' in how
              ? Buffer.concat([bytes, how.extra])
              : how.other;
        const result = await readAll(mode, changed(objects, key, forged));
        if (result instanceof Error) expectCleanError(result);
        else expect(result).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  test('a deleted object, or one in the place of another, is a clean error', async () => {
    const objects = await publish(mode);
    const keys = [...objects.keys()];
    for (const key of keys) {
      const without = new Map(objects);
      without.delete(key);
      if (!key.endsWith('head')) expectCleanError(await readAll(mode, without));
      for (const other of keys) {
        if (other === key) continue;
        const bytes = objects.get(other)?.bytes ?? new Uint8Array();
        expectCleanError(await readAll(mode, changed(objects, key, bytes)));
      }
    }
  });

  test("another machine's objects are not taken for this machine's", async () => {
    const objects = await publish(mode);
    const moved = new Map([...objects].map(([key, blob]) => [key.replace(MACHINE_A, MACHINE_B), blob]));
    expectCleanError(await readAll(mode, moved));
  });
});

describe('hostile objects in a plain repository', () => {
  const plain = modes[0];

  async function forged(
    kind: 'head' | 'snapshots',
    change: (json: Record<string, unknown>) => unknown,
  ): Promise<unknown> {
    const objects = await publish(plain);
    const head = `v1/${MACHINE_A}/head`;
    const edit = (key: string, how: (json: Record<string, unknown>) => unknown): string => {
      const json = gunzipSync(objects.get(key)?.bytes ?? Buffer.alloc(0)).toString();
      const bytes = gzipSync(JSON.stringify(how(JSON.parse(json) as Record<string, unknown>)));
      objects.set(key, { bytes, lastModified: 0, etag: '' });
      return createHash('sha256').update(bytes).digest('hex');
    };
    if (kind === 'head') {
      edit(head, change);
      return readAll(plain, objects);
    }
    // The head is made to fit, so that only the manifest's own content can be the reason.
    const key = [...objects.keys()].find((name) => name.includes('snapshots')) ?? '';
    const manifestHash = edit(key, change);
    edit(head, (json) => ({
      ...json,
      snapshots: (json['snapshots'] as { snapshotId: string }[])
        .filter(({ snapshotId }) => key.endsWith(snapshotId))
        .map((snapshot) => ({ ...snapshot, manifestHash })),
    }));
    return readAll(plain, objects);
  }

  const firstSegment = (json: Record<string, unknown>): Record<string, unknown> =>
    (json['segments'] as Record<string, unknown>[])[0] ?? {};

  test('the forging itself does no damage', async () => {
    expect(await forged('snapshots', (json) => json)).toHaveLength(1);
    expect(await forged('head', (json) => json)).toHaveLength(2);
    expect(await forged('snapshots', (json) => ({ ...json, unknown: 'member' }))).toHaveLength(1);
  });

  test.each<[string, (json: Record<string, unknown>) => unknown]>([
    [
      'a segment outside of the folder',
      (json) => ({ ...json, segments: [{ ...firstSegment(json), name: '../../head' }] }),
    ],
    ['10^9 rows', (json) => ({ ...json, segments: [{ ...firstSegment(json), rows: 1e9 }] })],
    ['10^9 bytes', (json) => ({ ...json, segments: [{ ...firstSegment(json), plainBytes: 1e9 }] })],
    ['a size that is none', (json) => ({ ...json, segments: [{ ...firstSegment(json), bytes: -1 }] })],
    [
      'a content key in the clear',
      (json) => ({ ...json, segments: [{ ...firstSegment(json), contentKey: 'AA==' }] }),
    ],
    ['a segment twice', (json) => ({ ...json, segments: [firstSegment(json), firstSegment(json)] })],
    ['a million segments', (json) => ({ ...json, segments: Array.from({ length: 1e6 }, () => 0) })],
    ['another machine', (json) => ({ ...json, machine: MACHINE_B })],
    ['another id', (json) => ({ ...json, snapshotId: '20260131t120000000z-aaaa0000-abababababab' })],
    ['a clock that is a list', (json) => ({ ...json, clock: [] })],
    ['a clock with a path', (json) => ({ ...json, clock: { '../..': 1 } })],
    ['another format', (json) => ({ ...json, format: 'zip' })],
    ['a later version', (json) => ({ ...json, version: 2 })],
    ['nothing', () => null],
  ])('a manifest with %s', async (_what, change) => {
    expectCleanError(await forged('snapshots', change));
  });

  test.each<[string, (json: Record<string, unknown>) => unknown]>([
    [
      'a snapshot outside of the folder',
      (json) => ({ ...json, snapshots: [{ ...(json['snapshots'] as object[])[0], snapshotId: '../head' }] }),
    ],
    [
      'a snapshot twice',
      (json) => ({ ...json, snapshots: [...(json['snapshots'] as []), ...(json['snapshots'] as [])] }),
    ],
    ['a million snapshots', (json) => ({ ...json, snapshots: Array.from({ length: 1e6 }, () => 0) })],
    ['a seq of zero', (json) => ({ ...json, seq: 0 })],
    ['a commit id that is none', (json) => ({ ...json, commitId: 'x' })],
    ['past commits that are none', (json) => ({ ...json, pastCommits: [[1]] })],
    [
      'a kind with a path',
      (json) => ({ ...json, snapshots: [{ ...(json['snapshots'] as object[])[0], kind: '../x' }] }),
    ],
    ['a later version', (json) => ({ ...json, version: 1e6 })],
    ['another machine', (json) => ({ ...json, machine: MACHINE_B })],
  ])('a head with %s', async (_what, change) => {
    expectCleanError(await forged('head', change));
  });

  test('a head or manifest that decompresses without end', async () => {
    const objects = await publish(plain);
    const bytes = gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20));
    for (const key of objects.keys()) expectCleanError(await readAll(plain, changed(objects, key, bytes)));
  });

  test('a head larger than any head is refused unread', async () => {
    const objects = await publish(plain);
    const huge = changed(objects, `v1/${MACHINE_A}/head`, new Uint8Array(5 * 1024 * 1024));
    expect(await readAll(plain, huge)).toBeInstanceOf(RepositoryDamagedError);
  });

  test('random JSON in the place of heads and manifests is damage, never a crash', () => {
    const checker = new ObjectChecker('v1/…');
    const snapshotId = '20260131t120000000z-aaaa0000-abababababab';
    fc.assert(
      fc.property(fc.json(), (json) => {
        const bytes = Buffer.from(json);
        expect(() => decodeHead(bytes, MACHINE_A, checker)).toThrow(RepositoryDamagedError);
        expect(() =>
          decodeManifest(bytes, { machine: MACHINE_A, snapshotId, sealed: false }, checker),
        ).toThrow(RepositoryDamagedError);
      }),
    );
  });
});
