import { expect, test } from 'vitest';
import { frequentTags } from '../../../src/ui/map/map-frame.ts';

function tagged(...tags: string[]) {
  return { id: '1', x: 0, y: 0, text: 'text', created: '2026-01-01T00:00:00.000Z', tags };
}

test('counts the most frequent tags, equal ones by name', () => {
  const points = [tagged('home', 'work'), tagged('work'), tagged('travel'), tagged()];
  expect(frequentTags(points, 2)).toEqual([
    { tag: 'work', count: 2 },
    { tag: 'home', count: 1 },
  ]);
});

test('has none where no point has one', () => {
  expect(frequentTags([tagged()], 5)).toEqual([]);
});
