import { expect, test } from 'vitest';
import { aboutIn, statedChanges, statedIn } from '../../../src/ui/shared/stated.ts';
import { startOfDay } from '../../../src/ui/shared/days.ts';

const KEPT = {
  ...{ project: 'p', occurred_at: startOfDay('2026-01-31'), pinned: true },
  expires: startOfDay('2026-03-31', { daysLater: 1 }),
};
const SHOWN = { project: 'p', occurred: '2026-01-31', expires: '2026-03-31', pinned: true };
const NOTHING = { project: '', occurred: '', expires: '', pinned: false };

test('the form shows days of the browser, the last one on which a fact holds', () => {
  expect(statedIn(KEPT)).toEqual(SHOWN);
  expect(statedIn({ project: 7, occurred_at: 'long ago', pinned: 'yes' })).toEqual(NOTHING);
  expect(aboutIn({ occurred_at: 'long ago' })).toEqual({ project: '', occurred: '', pinned: false });
});

test('only what the user changed is sent', () => {
  expect(statedChanges(SHOWN, SHOWN)).toEqual({});
  expect(statedChanges(NOTHING, SHOWN)).toEqual(KEPT);
  expect(statedChanges(SHOWN, NOTHING)).toEqual({
    ...{ project: '*', pinned: false },
    metadata: { occurred_at: null, expires: null },
  });
});
