import { expect, onTestFinished, test } from 'vitest';
import type { Metadata } from '../../src/memory/version.ts';
import { CandidateRows } from '../../src/store/sqlite/candidate-rows.ts';
import { Connection } from '../../src/store/sqlite/connection.ts';
import { draft } from '../helpers/drafts.ts';
import { databasePath, openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';

/** A store with one memory for each metadata, and the rows of a search in it. */
async function storeOf(
  all: readonly Metadata[],
): Promise<{ ids: string[]; rows: () => CandidateRows; add: (metadata: Metadata) => Promise<string> }> {
  const dataDir = temporaryFolder();
  const store = openSqliteStore(dataDir);
  const add = async (metadata: Metadata): Promise<string> => {
    const [added] = await store.add([draft(`with ${JSON.stringify(metadata)}`, { metadata })]);
    return added?.memory.id ?? '';
  };
  const ids: string[] = [];
  for (const metadata of all) ids.push(await add(metadata));
  const connection = new Connection(databasePath(dataDir));
  onTestFinished(() => {
    connection.close();
  });
  return { ids, rows: () => new CandidateRows(connection), add };
}

const PROJECTS: readonly (readonly [Metadata, string | null])[] = [
  [{}, null],
  [{ project: 'app' }, 'app'],
  [{ project: 'with "quotes" and ü' }, 'with "quotes" and ü'],
  [{ project: '' }, null],
  [{ project: 17 }, null],
  [{ project: { name: 'app' } }, null],
  [{ project: null }, null],
  [{ about: { project: 'nested' } }, null],
  [{ text: 'the "project" in a text' }, null],
];

test('a memory stands for the project that its metadata name with a text', async () => {
  const { ids, rows } = await storeOf(PROJECTS.map(([metadata]) => metadata));
  const standings = rows().standings(ids, Date.now());
  expect(standings.map(({ project }) => project)).toEqual(PROJECTS.map(([, project]) => project));
  expect(standings.map(({ id }) => id)).toEqual(ids);
});

test('a project is seen as soon as the first memory has one', async () => {
  const { ids, rows, add } = await storeOf([{}, { about: 1 }]);
  const projects = (): (string | null)[] =>
    rows()
      .standings(ids, Date.now())
      .map(({ project }) => project);
  expect(projects()).toEqual([null, null]);
  ids.push(await add({ project: 'app' }));
  expect(projects()).toEqual([null, null, 'app']);
});

test('tells turns, pins, times and successors, read by number or by id', async () => {
  const turn = { kind: 'conversation', session: 's', position: 0, role: 'user' };
  const { ids, rows, add } = await storeOf([{ occurred_at: '2020-02-03T00:00:00Z' }, { pinned: true }, turn]);
  const [first = '', second = '', third = ''] = ids;
  const successor = await add({ supersedes: second });
  const read = rows();
  const byNum = read.withNums([4, 3, 2, 1, 99]);
  expect(new Map(byNum.map(({ id, isTurn }) => [id, isTurn]))).toEqual(
    new Map([...[first, second, successor].map((id) => [id, false] as const), [third, true]]),
  );
  const known = read.standings([third, 'unknown', first, second, first], Date.now());
  expect(known).toEqual(rows().standings([third, first, second], Date.now()));
  expect(known.map(({ pinned, supersededBy }) => ({ pinned, supersededBy }))).toEqual([
    { pinned: false, supersededBy: null },
    { pinned: false, supersededBy: null },
    { pinned: true, supersededBy: successor },
  ]);
  expect(known[1]?.time).toBe(Date.UTC(2020, 1, 3));
});
