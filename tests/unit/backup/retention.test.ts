import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DEFAULT_RETENTION,
  planRetention,
  type RetentionPolicy,
} from '../../../src/backup/repository/retention.ts';

const NONE: RetentionPolicy = { keepLast: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0 };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function at(time: string, pinned = false): { snapshotId: string; createdAt: number; pinned: boolean } {
  return { snapshotId: time, createdAt: Date.parse(time), pinned };
}

function keptIds(snapshots: Parameters<typeof planRetention>[0], policy: Partial<RetentionPolicy>): string[] {
  return planRetention(snapshots, { ...NONE, ...policy }).keep.map(({ snapshot }) => snapshot.snapshotId);
}

describe('planRetention', () => {
  test('keeps the newest, whatever the policy', () => {
    expect(keptIds([at('2026-01-01T00:00:00Z'), at('2026-01-02T00:00:00Z')], {})).toEqual([
      '2026-01-02T00:00:00Z',
    ]);
    expect(planRetention([], DEFAULT_RETENTION)).toEqual({ keep: [], drop: [] });
  });

  test('keeps pinned ones for ever', () => {
    const snapshots = [
      at('2001-01-01T00:00:00Z', true),
      at('2026-01-01T00:00:00Z'),
      at('2026-01-02T00:00:00Z'),
    ];
    expect(keptIds(snapshots, {})).toEqual(['2001-01-01T00:00:00Z', '2026-01-02T00:00:00Z']);
  });

  test('keeps the newest of each period', () => {
    const snapshots = [
      at('2025-12-31T23:00:00Z'),
      at('2026-01-04T10:00:00Z'), // Sunday
      at('2026-01-04T23:59:59Z'),
      at('2026-01-05T00:00:00Z'), // Monday
      at('2026-01-05T00:59:00Z'),
      at('2026-01-05T01:00:00Z'),
    ];
    expect(keptIds(snapshots, { hourly: 2 })).toEqual(['2026-01-05T00:59:00Z', '2026-01-05T01:00:00Z']);
    expect(keptIds(snapshots, { daily: 2 })).toEqual(['2026-01-04T23:59:59Z', '2026-01-05T01:00:00Z']);
    expect(keptIds(snapshots, { weekly: 2 })).toEqual(['2026-01-04T23:59:59Z', '2026-01-05T01:00:00Z']);
    expect(keptIds(snapshots, { monthly: 2 })).toEqual(['2025-12-31T23:00:00Z', '2026-01-05T01:00:00Z']);
    expect(keptIds(snapshots, { keepLast: 2 })).toEqual(['2026-01-05T00:59:00Z', '2026-01-05T01:00:00Z']);
  });

  test('keeps the ones that somebody asked for apart from the automatic ones', () => {
    const asked = { ...at('2026-01-05T01:00:00Z'), kind: 'before_upgrade' };
    const automatic = [2, 3, 4].map((hour) => ({
      ...at(`2026-01-05T0${hour}:00:00Z`),
      kind: 'auto',
    }));
    expect(keptIds([asked, ...automatic], { keepLast: 2 })).toEqual([
      asked.snapshotId,
      ...automatic.slice(1).map(({ snapshotId }) => snapshotId),
    ]);
  });

  test('says why', () => {
    const plan = planRetention([at('2026-01-05T01:00:00Z', true)], { ...NONE, keepLast: 1, daily: 1 });
    expect(plan.keep[0]?.reasons).toEqual(['newest', 'pinned', 'last', 'daily']);
  });

  test('the one published last is the newest even when its clock was a year slow', () => {
    const snapshots = [at('2026-01-05T00:00:00Z'), at('2025-01-05T00:00:00Z')];
    expect(keptIds(snapshots, {})).toEqual(['2025-01-05T00:00:00Z']);
  });

  test.each(['pre_restore', 'pre_delete', 'pre_import'])(
    'keeps what undoes something, %s, for a week of the newest',
    (kind) => {
      const snapshots = [
        { ...at('2026-01-01T00:00:00Z'), kind },
        ...Array.from({ length: 30 }, (_, hour) => ({
          ...at(new Date(Date.UTC(2026, 0, 1, 0, 1 + hour)).toISOString()),
          kind,
        })),
        { ...at('2026-01-01T12:00:00Z'), kind: 'auto' },
        { ...at('2026-01-08T00:00:00Z'), kind: 'auto' },
      ];
      const { drop, keep } = planRetention(snapshots, NONE);
      expect(drop.map(({ snapshotId }) => snapshotId)).toEqual([
        '2026-01-01T00:00:00Z',
        '2026-01-01T12:00:00Z',
      ]);
      expect(keep[0]?.reasons).toEqual(['safety']);
    },
  );

  test('keeps ten of those before merges, which come by themselves, and takes no place of others for them', () => {
    const merges = Array.from({ length: 30 }, (_, minute) => ({
      ...at(new Date(Date.UTC(2026, 0, 1, 1, minute)).toISOString()),
      kind: 'pre_merge',
    }));
    const restore = { ...at('2026-01-01T00:00:00Z'), kind: 'pre_restore' };
    const newest = { ...at('2026-01-02T00:00:00Z'), kind: 'auto' };
    const { keep } = planRetention([restore, ...merges, newest], NONE);
    expect(keep.map(({ snapshot }) => snapshot)).toEqual([restore, ...merges.slice(20), newest]);
  });

  test('pruning again drops nothing, and nothing is both kept and dropped', () => {
    const snapshot = fc.record({
      snapshotId: fc.uuid(),
      createdAt: fc.integer({ min: Date.UTC(2025, 0), max: Date.UTC(2025, 0) + 400 * DAY }),
      pinned: fc.boolean(),
    });
    const count = fc.integer({ min: 0, max: 8 });
    const policy = fc.record({ keepLast: count, hourly: count, daily: count, weekly: count, monthly: count });
    fc.assert(
      fc.property(fc.array(snapshot, { maxLength: 60 }), policy, (snapshots, rules) => {
        const plan = planRetention(snapshots, rules);
        const kept = plan.keep.map((entry) => entry.snapshot);
        expect(new Set([...kept, ...plan.drop])).toEqual(new Set(snapshots));
        expect(kept.length + plan.drop.length).toBe(snapshots.length);
        expect(planRetention(kept, rules).drop).toEqual([]);
        const most = 1 + rules.keepLast + rules.hourly + rules.daily + rules.weekly + rules.monthly;
        expect(kept.filter(({ pinned }) => !pinned).length).toBeLessThanOrEqual(most);
      }),
    );
  });
});
