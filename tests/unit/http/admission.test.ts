import { describe, expect, test } from 'vitest';
import { RequestRefusedError } from '../../../src/errors/input-errors.ts';
import { Admission } from '../../../src/http/guards/admission.ts';

/** What became of requests, by name, in the order of the events. */
function visitors(admission: Admission) {
  const events: string[] = [];
  const leave = new Map<string, () => void>();
  const enter = (name: string): Promise<void> => {
    const [person = ''] = name.split(' ');
    return admission.enter(person).then(
      (end) => {
        events.push(`${name} runs`);
        leave.set(name, end);
      },
      (error: unknown) => {
        const retry = error instanceof RequestRefusedError ? Number(error.headers['Retry-After']) : 0;
        events.push(`${name} ${error instanceof RequestRefusedError ? error.code : 'failed'}`);
        expect(retry).toBeGreaterThanOrEqual(1);
      },
    );
  };
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const end = (name: string): Promise<void> => {
    leave.get(name)?.();
    return settled();
  };
  const take = (): string[] => events.splice(0);
  return { enter, end, take, settled };
}

describe('admission', () => {
  test('lets a bounded number run, the next wait, and refuses the rest at once', async () => {
    const admission = new Admission({ concurrency: 2, queue: 1 });
    const { enter, end, take, settled } = visitors(admission);
    for (const name of ['ada 1', 'ada 2', 'ada 3', 'ada 4']) void enter(name);
    await settled();
    expect(take()).toEqual(['ada 1 runs', 'ada 2 runs', 'ada 4 OVERLOADED']);
    expect([admission.running, admission.waiting, admission.refused]).toEqual([
      2,
      1,
      { full: 1, slow: 0, late: 0 },
    ]);
    await end('ada 1');
    expect(take()).toEqual(['ada 3 runs']);
    await end('ada 1');
    await end('ada 2');
    await end('ada 3');
    expect([admission.running, admission.waiting]).toEqual([0, 0]);
  });

  test('gives the next place to the person with the fewest, and room to one whom others would crowd out', async () => {
    const admission = new Admission({ concurrency: 2, queue: 3 });
    const { enter, end, take, settled } = visitors(admission);
    for (const name of ['ada 1', 'ada 2', 'ada 3', 'ada 4', 'ada 5', 'bob 1']) void enter(name);
    await settled();
    expect(take()).toEqual(['ada 1 runs', 'ada 2 runs', 'ada 5 OVERLOADED']);
    await end('ada 1');
    expect(take()).toEqual(['bob 1 runs']);
    await end('bob 1');
    expect(take()).toEqual(['ada 3 runs']);
  });

  test('leaves places to others, however much one person asks for', async () => {
    const admission = new Admission({ concurrency: 16, queue: 100 });
    const { enter, take, settled } = visitors(admission);
    for (let number = 0; number < 50; number += 1) void enter(`ada ${number}`);
    await settled();
    expect(take()).toHaveLength(14);
    void enter('bob 1');
    await settled();
    expect(take()).toEqual(['bob 1 runs']);
  });

  test('refuses those whose turn does not come, and those whose turn cannot come in time', async () => {
    const admission = new Admission({ concurrency: 1, queue: 100, longestWaitMs: 30 });
    const { enter, end, take } = visitors(admission);
    await enter('ada 1');
    await enter('ada 2');
    expect(take()).toEqual(['ada 1 runs', 'ada 2 OVERLOADED']);
    await end('ada 1');
    const slow = new Admission({ concurrency: 1, queue: 100, longestWaitMs: 0 });
    const others = visitors(slow);
    await others.enter('ada 1');
    await new Promise((resolve) => setTimeout(resolve, 5));
    await others.end('ada 1');
    await others.enter('ada 2');
    await others.enter('ada 3');
    expect(others.take()).toEqual(['ada 1 runs', 'ada 2 runs', 'ada 3 OVERLOADED']);
    expect([admission.refused.late, slow.refused.slow]).toEqual([1, 1]);
    expect([admission.hasRefusedWithin(10_000), slow.hasRefusedWithin(10_000)]).toEqual([true, true]);
  });

  test('without a limit refuses nothing', async () => {
    const admission = new Admission({ concurrency: 0, queue: 0 });
    const { enter, take } = visitors(admission);
    await Promise.all(Array.from({ length: 500 }, (_, number) => enter(`ada ${number}`)));
    expect(take().every((event) => event.endsWith('runs'))).toBe(true);
  });
});
