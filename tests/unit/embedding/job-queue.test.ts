import { describe, expect, test } from 'vitest';
import type { Task } from '../../../src/embedding/embedding-protocol.ts';
import { JobQueue } from '../../../src/embedding/job-queue.ts';

/** A queue with jobs of these names: `q…` are queries, `p…` texts that a user waits for, `b…` background texts. */
function queueOf(...names: string[]): JobQueue {
  const queue = new JobQueue();
  for (const name of names) void add(queue, name);
  return queue;
}

function add(queue: JobQueue, name: string, signal?: AbortSignal): Promise<unknown> {
  const task: Task = name.startsWith('q') ? 'query' : 'passage';
  const added = queue.add({
    ...{ task, text: name, signal },
    urgency: name.startsWith('b') ? 'background' : undefined,
  });
  added.catch(() => undefined);
  return added;
}

/** Runs the next job, if one may run at this time. @returns its name */
function run(queue: JobQueue, start: number, milliseconds = 0): string | undefined {
  const job = queue.take(start);
  if (job !== undefined) queue.noteEnd(job, { start, end: start + milliseconds });
  return job?.text;
}

describe('the queue of the model', () => {
  test('takes queries first, then texts of users, then background work, each in order', () => {
    const queue = queueOf('b1', 'p1', 'q1', 'b2', 'p2', 'q2');
    const taken = Array.from({ length: 4 }, () => queue.take(0)?.text);
    expect([...taken, queue.take(0)?.text, queue.take(0)?.text]).toEqual([
      ...['q1', 'q2', 'p1', 'p2'],
      ...['b1', 'b2'],
    ]);
    expect(queue.take(0)).toBeUndefined();
  });

  test('lets a text that a user waits for run after eight queries, however many more there are', () => {
    const queue = queueOf('p1', 'p2', ...Array.from({ length: 30 }, (_, place) => `q${place}`));
    const taken = Array.from({ length: 20 }, () => queue.take(0)?.text ?? '');
    expect(taken.indexOf('p1')).toBe(8);
    expect(taken.indexOf('p2')).toBe(17);
    expect(taken.filter((name) => name.startsWith('q'))).toEqual(
      Array.from({ length: 18 }, (_, place) => `q${place}`),
    );
  });

  test('gives the query that comes next in advance, and no other job', () => {
    const queue = queueOf('p1', 'b1', 'q1', 'q2');
    expect([queue.takeQuery()?.text, queue.takeQuery()?.text, queue.takeQuery()?.text]).toEqual([
      ...['q1', 'q2'],
      undefined,
    ]);
    for (let place = 0; place < 9; place += 1) void add(queue, 'q');
    const more = Array.from({ length: 9 }, () => queue.takeQuery()?.text);
    expect(more).toEqual([...Array.from({ length: 6 }, () => 'q'), undefined, undefined, undefined]);
    expect(queue.take(0)?.text).toBe('p1');
  });

  test('runs background work without a pause while there are no queries', () => {
    const queue = queueOf('b1', 'b2', 'b3');
    expect([run(queue, 0, 200), run(queue, 200, 200), run(queue, 400)]).toEqual(['b1', 'b2', 'b3']);
    expect(queue.heldFor(600)).toBeUndefined();
  });

  test('holds background work back after a query, for the next one of a burst', () => {
    const queue = queueOf('q1', 'b1', 'p1');
    run(queue, 0, 40);
    expect(run(queue, 40)).toBe('p1');
    expect(run(queue, 41)).toBeUndefined();
    expect(queue.heldFor(41)).toBe(299);
    expect(run(queue, 340)).toBe('b1');
  });

  test('gives background work a quarter of the time at most while queries come in', () => {
    const queue = queueOf('q1', 'b1', 'b2');
    run(queue, 0, 40);
    expect(run(queue, 1_000, 200)).toBe('b1');
    expect(queue.heldFor(1_200)).toBe(600);
    expect(run(queue, 1_799)).toBeUndefined();
    expect(run(queue, 1_800, 200)).toBe('b2');
  });

  test('lets background work run now and then beside a query every moment', () => {
    const queue = queueOf('b1', 'b2');
    const runs: [number, string][] = [];
    for (let now = 0; now < 10_000; now += 100) {
      void add(queue, 'q');
      for (let name = run(queue, now, 10); name !== undefined; name = run(queue, now, 10))
        if (name !== 'q') runs.push([now, name]);
    }
    expect(runs).toEqual([
      [3_000, 'b1'],
      [6_100, 'b2'],
    ]);
  });

  test('does not count a long text of a user as background work', () => {
    const queue = queueOf('q1', 'p1', 'b1');
    run(queue, 0, 10);
    run(queue, 10, 5_000);
    expect(run(queue, 5_010)).toBe('b1');
  });

  test('forgets aborted jobs of each kind', async () => {
    const queue = new JobQueue();
    const controller = new AbortController();
    const added = ['q', 'p', 'b'].map((name) => add(queue, name, controller.signal));
    controller.abort(new Error('no longer wanted'));
    for (const one of added) await expect(one).rejects.toThrow('no longer wanted');
    expect(queue.take(0)).toBeUndefined();
    expect(queue.heldFor(0)).toBeUndefined();
  });
});
