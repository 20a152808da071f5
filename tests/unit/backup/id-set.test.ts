import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdSet } from '../../../src/backup/repository/newest-rows.ts';
import { idOf } from '../../helpers/model-store.ts';

test('behaves as a set of texts', () => {
  const ids = fc.array(fc.oneof(fc.uuid(), fc.nat({ max: 50 }).map(idOf)), { maxLength: 300 });
  fc.assert(
    fc.property(ids, (list) => {
      const model = new Set<string>();
      const set = new IdSet();
      for (const id of list) {
        expect(set.add(id)).toBe(!model.has(id));
        model.add(id);
        expect(set.size).toBe(model.size);
      }
    }),
  );
});

test('grows to many ids that count up', () => {
  const set = new IdSet();
  for (let number = 0; number < 100_000; number += 1) set.add(idOf(number));
  expect(set.size).toBe(100_000);
  expect(set.add(idOf(99_999))).toBe(false);
  expect(set.add(idOf(100_000))).toBe(true);
});
