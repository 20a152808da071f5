import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isBlobKey } from '../../../src/blob/arguments.ts';
import {
  createSnapshotId,
  isSnapshotId,
  manifestKey,
  parseRepositoryKey,
  segmentKey,
} from '../../../src/backup/format/names.ts';
import { resolveSnapshot, snapshotName } from '../../../src/backup/repository/snapshot-name.ts';
import { SnapshotAmbiguousError, SnapshotNotFoundError } from '../../../src/errors/backup-errors.ts';
import { MACHINE_A, MACHINE_B } from '../../helpers/test-repository.ts';

const random = (size: number): Buffer => Buffer.alloc(size, 0xab);
const noon = Date.UTC(2026, 0, 31, 12, 0, 0, 7);

function entry(
  machine: string,
  time: number,
  serial = 1,
): { machine: string; snapshotId: string; kind: string; createdAt: number } {
  const snapshotId = createSnapshotId(machine, time, (size) => Buffer.alloc(size, serial));
  return { machine, snapshotId, kind: 'auto', createdAt: time };
}

describe('snapshot ids', () => {
  test('tell time and machine', () => {
    expect(createSnapshotId(MACHINE_A, noon, random)).toBe('20260131t120000007z-aaaa0000-abababababab');
  });

  test('are object names at any time a clock can show', () => {
    fc.assert(
      fc.property(fc.integer({ min: -8.64e15, max: 8.64e15 }), (time) => {
        const id = createSnapshotId(MACHINE_A, time, random);
        expect(isSnapshotId(id)).toBe(true);
        expect(isBlobKey(manifestKey(MACHINE_A, id))).toBe(true);
        expect(snapshotName({ kind: 'auto', createdAt: time })).toMatch(/^auto_\d{8}_\d{6}$/);
      }),
    );
  });
});

describe('resolveSnapshot', () => {
  const first = entry(MACHINE_A, noon);
  const later = entry(MACHINE_A, noon + 60_000);
  const twin = entry(MACHINE_A, noon + 60_500, 2);
  const foreign = entry(MACHINE_B, noon);
  const all = [first, later, twin, foreign];

  test('by id, by name with machine, by a shortened machine', () => {
    expect(resolveSnapshot(later.snapshotId, all)).toBe(later);
    expect(resolveSnapshot(`${MACHINE_B}/auto_20260131_120000`, all)).toBe(foreign);
    expect(resolveSnapshot('aaaa/auto_20260131_120000', all)).toBe(first);
    expect(resolveSnapshot('auto_20260131_120000', [first, later])).toBe(first);
  });

  test('an ambiguous name lists candidates that are not ambiguous', () => {
    for (const query of ['auto_20260131_120000', 'auto_20260131_120100', 'aaaa/auto_20260131_120100']) {
      let error: unknown;
      try {
        resolveSnapshot(query, all);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(SnapshotAmbiguousError);
      const { candidates } = error as SnapshotAmbiguousError;
      expect(candidates).toHaveLength(2);
      expect(new Set(candidates.map((candidate) => resolveSnapshot(candidate, all))).size).toBe(2);
    }
  });

  test('a near miss is named', () => {
    expect(() => resolveSnapshot('auto_20260131_120001', [first])).toThrow(SnapshotNotFoundError);
    try {
      resolveSnapshot('auto_20260131_120001', [first]);
    } catch (error) {
      expect((error as SnapshotNotFoundError).fix).toContain('auto_20260131_120000');
    }
  });

  test('no query reaches anything that is not listed', () => {
    const queries = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '../../etc/passwd',
        '..',
        '/',
        '',
        'aaa/',
        `${MACHINE_A}/`,
        `${MACHINE_A}/../head`,
        '*',
        '%2e%2e',
      ),
      fc.constantFrom('__proto__', 'constructor', 'aaaa/../auto_20260131_120000'),
    );
    fc.assert(
      fc.property(queries, (query) => {
        expect(() => resolveSnapshot(query, all)).toThrow(SnapshotNotFoundError);
      }),
    );
  });
});

describe('parseRepositoryKey', () => {
  test('knows the layout and nothing else', () => {
    const name = 'ab'.repeat(32);
    expect(parseRepositoryKey(segmentKey(MACHINE_A, name))).toEqual({
      kind: 'segment',
      machine: MACHINE_A,
      name,
    });
    expect(parseRepositoryKey(`v1/${MACHINE_A}/head`)).toEqual({ kind: 'head', machine: MACHINE_A });
    expect(parseRepositoryKey(`v1/${MACHINE_A}/key.json`)).toEqual({ kind: 'key-file', machine: MACHINE_A });
    for (const key of [
      'v1',
      `v2/${MACHINE_A}/head`,
      'v1/../head',
      `v1/${MACHINE_A}`,
      `v1/${MACHINE_A}/segments`,
      `v1/${MACHINE_A}/segments/${name}/more`,
      `v1/${MACHINE_A}/segments/../head`,
      `v1/${MACHINE_A}/snapshots/${name}`,
      `v1/${MACHINE_A.toUpperCase()}/head`,
      'aaaa000000000001/head',
    ]) {
      expect(parseRepositoryKey(key)).toBeNull();
    }
  });
});
