import { expect, test } from 'vitest';
import { usableNames } from '../../../src/util/text.ts';

test('names each by the shortest text that means no other', () => {
  const names = usableNames([
    { id: '1', machine: 'a', name: 'once' },
    { id: '2', machine: 'a', name: 'twice' },
    { id: '3', machine: 'b', name: 'twice' },
    { id: '4', machine: 'a', name: 'same_second' },
    { id: '5', machine: 'a', name: 'same_second' },
  ]);
  expect([...names.values()]).toEqual(['once', 'a/twice', 'b/twice', '4', '5']);
});
