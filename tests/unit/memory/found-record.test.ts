import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FoundRecord, type FoundMemories } from '../../../src/memory/found-record.ts';
import type { Memory } from '../../../src/memory/memory.ts';

const MINUTE_MS = 60_000;

let saved: FoundMemories[];
let failure: Error | undefined;
let record: FoundRecord;

beforeEach(() => {
  vi.useFakeTimers();
  saved = [];
  failure = undefined;
  const noteFound = (found: FoundMemories): Promise<void> => {
    if (failure !== undefined) return Promise.reject(failure);
    saved.push(found);
    return Promise.resolve();
  };
  record = new FoundRecord({ store: { noteFound }, now: () => 7 });
});
afterEach(() => {
  vi.useRealTimers();
});

function memory(id: string, metadata: Memory['metadata'] = {}): Memory {
  return {
    ...{ id, text: id, metadata, tags: [], source: '', createdAt: 0, updatedAt: 0, state: 'live' },
    ...{ dot: { machine: 'm', n: 1 }, versionCount: 1, conflict: false },
  };
}

test('many searches are one write, a minute later', async () => {
  for (let search = 0; search < 100; search += 1) record.noteSearch(undefined, [memory('a')]);
  record.noteSearch({ kind: 'fact' }, [memory('b')]);
  record.noteSearch({}, []);
  await vi.advanceTimersByTimeAsync(MINUTE_MS - 1);
  expect(saved).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  const times = [
    ['a', 100],
    ['b', 1],
  ];
  expect(saved).toEqual([{ at: 7, searches: 102, times }]);
  await record.save();
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(saved).toHaveLength(1);
});

test('what a model is told unasked is no search, and turns of conversations are not noted', async () => {
  record.noteGiven([
    memory('a'),
    memory('said', { kind: 'conversation', session: 's', role: 'user', client: 'c', position: 1 }),
  ]);
  record.noteSearch({ kind: 'conversation' }, []);
  await record.save();
  expect(saved).toEqual([{ at: 7, searches: 0, times: [['a', 1]] }]);
});

test('what the store does not take is stored later, and fails nobody', async () => {
  failure = new Error('the disk is full');
  record.noteSearch(undefined, [memory('a')]);
  await record.save();
  record.noteSearch(undefined, [memory('a')]);
  failure = undefined;
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(saved).toEqual([{ at: 7, searches: 2, times: [['a', 2]] }]);
});
