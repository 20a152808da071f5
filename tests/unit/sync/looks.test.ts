import { describe, expect, onTestFinished, test } from 'vitest';
import { createLogger } from '../../../src/logger.ts';
import { BackgroundWork, type BackgroundWorkParts } from '../../../src/sync/background-work.ts';
import { isListDue, lookPace, PushAllowance } from '../../../src/sync/pace.ts';
import { FakeTimers } from '../../helpers/sync/fake-timers.ts';
import { MemoryBucket, MemoryMachine } from '../../helpers/sync/memory-machine.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Machines with one bucket and one clock, each with its background work. */
class Scene {
  readonly bucket = new MemoryBucket();
  readonly requests: string[] = [];
  readonly #works: BackgroundWork[] = [];
  readonly timers = new FakeTimers((milliseconds) => {
    this.bucket.time += milliseconds;
  });

  constructor() {
    this.bucket.onCall = ({ operation, key }) => this.requests.push(`${operation} ${key}`);
    this.timers.settled = async () => {
      for (const work of this.#works) await work.idle();
    };
  }

  machine(): MemoryMachine {
    return new MemoryMachine(this.bucket);
  }

  /** A server on a machine's data folder. */
  serve(machine: MemoryMachine, parts: Partial<BackgroundWorkParts> = {}): BackgroundWork {
    const work = new BackgroundWork({
      replica: machine.replica,
      backup: machine.backup,
      sync: machine.sync,
      automatic: true,
      mode: 'merge',
      schedule: null,
      now: this.bucket.now,
      random: () => 0.5,
      logger: createLogger({ level: 'error', write: () => undefined }),
      tidy: () => Promise.resolve(),
      tidyEveryMs: HOUR,
      startTimer: this.timers.start,
      ...parts,
    });
    this.#works.push(work);
    onTestFinished(() => work.close(0));
    work.start();
    return work;
  }

  async requestsDuring(milliseconds: number): Promise<number> {
    const before = this.requests.length;
    await this.timers.advance(milliseconds);
    return this.requests.length - before;
  }
}

function write(machine: MemoryMachine, work: BackgroundWork, text: string): void {
  work.noteUse();
  machine.add(text);
  work.noteChanges(1);
}

describe('the time between looks', () => {
  test('is short during use, grows with the pause after it, and has a limit', () => {
    const pace = (since: number): number => lookPace({ used: -since, changed: -Infinity }, 0);
    expect([0, 40, 60, 600, 3_600].map((since) => pace(since * SECOND) / SECOND)).toEqual([5, 5, 6, 60, 300]);
    expect(lookPace({ used: -Infinity, changed: -Infinity }, 0)).toBe(5 * MINUTE);
  });

  test('is less short after a change of another machine', () => {
    expect(lookPace({ used: -Infinity, changed: 0 }, 0)).toBe(15 * SECOND);
    expect(lookPace({ used: 0, changed: 0 }, 0)).toBe(5 * SECOND);
  });

  test('lists the remote with every twelfth look', () => {
    expect(isListDue(null, 5 * SECOND, 0)).toBe(true);
    expect(isListDue(0, 5 * SECOND, 59 * SECOND)).toBe(false);
    expect(isListDue(0, 5 * SECOND, 60 * SECOND)).toBe(true);
  });
});

test('pushes may follow each other after 5 seconds, and in the long run every 15 seconds', () => {
  const allowance = new PushAllowance();
  const times: number[] = [];
  for (let now = 0; now < HOUR; now = allowance.next(now)) {
    times.push(now);
    allowance.take(now);
  }
  expect(times.slice(0, 4)).toEqual([0, 5, 10, 15].map((seconds) => seconds * SECOND));
  expect(Math.round((times.at(-1) ?? 0) - (times.at(-2) ?? 0))).toBe(15 * SECOND);
  expect(times.length).toBeLessThanOrEqual(240 + 20);
  allowance.take(2 * HOUR);
  expect(allowance.next(HOUR)).toBe(HOUR);
});

describe('servers of several machines', () => {
  test('have the change of another one within 15 seconds while both are used', async () => {
    const scene = new Scene();
    const [here, there] = [scene.machine(), scene.machine()];
    const [work, otherWork] = [scene.serve(here), scene.serve(there)];
    write(here, work, 'the first, by which the machines find each other');
    otherWork.noteUse();
    await scene.timers.advance(2 * MINUTE);
    for (let number = 2; number <= 40; number += 1) {
      write(here, work, `memory ${number}`);
      otherWork.noteUse();
      await scene.timers.advance(9 * SECOND);
      otherWork.noteUse();
      await scene.timers.advance(6 * SECOND);
      expect(there.texts()).toHaveLength(number);
    }
  });

  test('make at most 60 requests an hour each while nobody uses them', async () => {
    const scene = new Scene();
    const machines = [scene.machine(), scene.machine(), scene.machine()];
    const works = machines.map((machine) => scene.serve(machine));
    machines.forEach((machine, index) => {
      const work = works[index];
      if (work !== undefined) write(machine, work, `of ${index}`);
    });
    await scene.timers.advance(5 * HOUR);
    for (const machine of machines) expect(machine.texts()).toHaveLength(3);
    const requests = await scene.requestsDuring(10 * HOUR);
    expect(requests / 10 / 3).toBeLessThanOrEqual(60);
    expect(requests).toBeGreaterThan(0);
  });

  test('make the requests of one when they share a data folder', async () => {
    const alone = new Scene();
    const together = new Scene();
    const counts: number[] = [];
    for (const [scene, servers] of [
      [alone, 1],
      [together, 4],
    ] as const) {
      const machine = scene.machine();
      const works = Array.from({ length: servers }, () => scene.serve(machine));
      const [first] = works;
      if (first !== undefined) write(machine, first, 'one');
      await scene.timers.advance(HOUR);
      for (const work of works) work.noteUse();
      counts.push(await scene.requestsDuring(10 * HOUR));
    }
    const [one = 0, four = 0] = counts;
    expect(one).toBeGreaterThan(0);
    expect(four).toBeLessThanOrEqual(one * 1.3);
  });

  test('find a machine that is new', async () => {
    const scene = new Scene();
    const here = scene.machine();
    const work = scene.serve(here);
    await scene.timers.advance(MINUTE);
    const late = scene.machine();
    late.add('from a new machine');
    await late.sync.push();
    work.noteUse();
    await scene.timers.advance(70 * SECOND);
    expect(here.texts()).toEqual(['from a new machine']);
  });
});

describe('a search', () => {
  test('waits for a look when the last one is old, and has what it brings', async () => {
    const scene = new Scene();
    const [here, there] = [scene.machine(), scene.machine()];
    there.add('from elsewhere');
    await there.sync.push();
    const work = scene.serve(here);
    await scene.timers.advance(2 * HOUR);
    there.add('later');
    await there.sync.push();
    await work.beforeReading();
    expect(here.texts()).toEqual(['from elsewhere', 'later']);
    const before = scene.requests.length;
    await work.beforeReading();
    expect(scene.requests).toHaveLength(before);
  });

  test('waits at most 300 milliseconds', async () => {
    const scene = new Scene();
    const work = scene.serve(scene.machine());
    await scene.timers.advance(2 * HOUR);
    let answer = (): void => undefined;
    const silence = new Promise<void>((resolve) => (answer = resolve));
    scene.bucket.onCall = () => silence;
    scene.timers.settled = () => Promise.resolve();
    let isOver = false;
    const reading = work.beforeReading().then(() => (isOver = true));
    await scene.timers.advance(299);
    expect(isOver).toBe(false);
    await scene.timers.advance(1);
    await reading;
    expect(isOver).toBe(true);
    answer();
    await work.idle();
  });

  test('waits for nothing in mode backup', async () => {
    const scene = new Scene();
    const work = scene.serve(scene.machine(), { mode: 'backup' });
    await scene.timers.advance(2 * HOUR);
    const before = scene.requests.length;
    await work.beforeReading();
    expect(scene.requests).toHaveLength(before);
  });
});

describe('an emptied bucket', () => {
  test.each(['merge', 'backup'] as const)('is filled again by an idle server in mode %s', async (mode) => {
    const scene = new Scene();
    const machine = scene.machine();
    const work = scene.serve(machine, { mode });
    write(machine, work, 'one');
    await scene.timers.advance(2 * HOUR);
    expect(scene.bucket.keys(/\/head$/)).toHaveLength(1);
    scene.bucket.objects.clear();
    await scene.timers.advance(20 * MINUTE);
    expect(scene.bucket.keys(/\/head$/)).toHaveLength(1);
    expect(scene.bucket.keys(/\/segments\//)).not.toHaveLength(0);
  });

  test('is reported with the name of each machine, in every status, until it is forgotten', async () => {
    const bucket = new MemoryBucket();
    const [here, there] = [new MemoryMachine(bucket), new MemoryMachine(bucket)];
    here.add('here');
    there.add('there');
    await here.sync.push();
    await there.sync.push();
    await here.sync.status();
    const seen = bucket.time;
    bucket.objects.clear();
    bucket.time += HOUR;
    const status = await here.sync.status();
    const id = there.replica.machine;
    expect(status.machines).toMatchObject(
      [here.replica.machine, id].toSorted().map((machine) => ({ machine, snapshots: 0, lastSeen: seen })),
    );
    const about = (machine: string) =>
      expect.stringContaining(`machine ${machine} are gone from the remote`) as string;
    const own = expect.stringContaining(`this machine (${here.replica.machine}) are gone`) as string;
    expect(status).toMatchObject({ relation: 'ahead', unsentWrites: 1 });
    expect(status.warnings).toEqual(expect.arrayContaining([own, about(id)]));
    const offline = await here.sync.status({ offline: true });
    expect(offline.warnings).toEqual(expect.arrayContaining([own, about(id)]));
    await here.sync.push();
    await here.sync.forgetMachine(id, { unmerged: true });
    const after = await here.sync.status();
    expect(after.warnings).toEqual([]);
    expect(after.machines.map(({ machine }) => machine)).toEqual([here.replica.machine]);
  });
});
