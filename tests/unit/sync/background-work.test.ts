import { describe, expect, onTestFinished, test } from 'vitest';
import { createLogger } from '../../../src/logger.ts';
import { BackgroundWork, type BackgroundWorkParts } from '../../../src/sync/background-work.ts';
import { FakeTimers } from '../../helpers/sync/fake-timers.ts';
import { MemoryBucket, MemoryMachine, type MemoryMachineOptions } from '../../helpers/sync/memory-machine.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

interface Setup {
  readonly bucket: MemoryBucket;
  readonly machine: MemoryMachine;
  readonly timers: FakeTimers;
  readonly work: BackgroundWork;
  readonly log: string[];
  /** Writes a memory as a client does. */
  readonly write: (text: string) => void;
}

function setUp(parts: Partial<BackgroundWorkParts> = {}, options: MemoryMachineOptions = {}): Setup {
  const bucket = new MemoryBucket();
  const machine = new MemoryMachine(bucket, options);
  const timers = new FakeTimers((milliseconds) => {
    bucket.time += milliseconds;
  });
  const log: string[] = [];
  const { replica, backup, sync } = machine;
  const work = new BackgroundWork({
    replica,
    backup,
    sync,
    automatic: true,
    mode: 'backup',
    schedule: null,
    now: bucket.now,
    // With full jitter, the longest wait.
    random: () => 0.999_999,
    logger: createLogger({ level: 'debug', write: (line) => log.push(line) }),
    tidy: () => Promise.resolve(),
    tidyEveryMs: 60 * MINUTE,
    startTimer: timers.start,
    ...parts,
  });
  timers.settled = () => work.idle();
  onTestFinished(() => work.close(0));
  const write = (text: string): void => {
    machine.add(text);
    work.noteChanges(1);
  };
  return { bucket, machine, timers, work, log, write };
}

const OFF: MemoryMachineOptions = { enabled: false, access: false };

async function kinds({ backup }: MemoryMachine): Promise<string[]> {
  return (await backup.list()).map(({ kind }) => kind);
}

describe('local backups', () => {
  test('come 30 seconds after the last change', async () => {
    const { machine, timers, write } = setUp({}, OFF);
    write('one');
    await timers.advance(20 * SECOND);
    write('two');
    await timers.advance(29 * SECOND);
    expect(await kinds(machine)).toEqual([]);
    await timers.advance(SECOND);
    expect(await machine.backup.list()).toMatchObject([{ kind: 'auto', live: 2 }]);
    expect(timers.waiting).toBe(0);
  });

  test('come at most 5 minutes after the first change', async () => {
    const { machine, timers, write } = setUp({}, OFF);
    for (let change = 0; change < 15; change += 1) {
      write(`change ${change}`);
      await timers.advance(20 * SECOND);
    }
    expect(await kinds(machine)).toEqual(['auto']);
  });

  test('come after 200 changes', async () => {
    const { machine, timers, write, work } = setUp({}, OFF);
    write('one');
    work.noteChanges(199);
    await timers.advance(0);
    expect(await kinds(machine)).toEqual(['auto']);
  });

  test('come not more often than every 15 seconds, however much changes', async () => {
    const { machine, timers, write, work } = setUp({}, OFF);
    for (let second = 0; second < 40; second += 1) {
      write(`change ${second}`);
      for (let batch = 0; batch < 5; batch += 1) work.noteChanges(200);
      await timers.advance(SECOND);
    }
    expect(await kinds(machine)).toEqual(['auto', 'auto', 'auto']);
    await timers.advance(MINUTE);
    expect(await machine.backup.list()).toMatchObject([{}, {}, {}, { kind: 'auto', live: 40 }]);
  });

  test('wait no longer because the clock was set back', async () => {
    const { bucket, machine, timers, write, work } = setUp({}, OFF);
    write('one');
    work.noteChanges(199);
    await timers.advance(0);
    bucket.time -= 60 * MINUTE;
    write('two');
    work.noteChanges(199);
    await timers.advance(30 * SECOND);
    expect(await kinds(machine)).toEqual(['auto', 'auto']);
  });

  test('skip quietly while another process works', async () => {
    const { machine, timers, write, log } = setUp({}, OFF);
    machine.lock.held = true;
    write('one');
    await timers.advance(5 * MINUTE);
    expect(await kinds(machine)).toEqual([]);
    expect(log.filter((line) => line.includes('WARN'))).toEqual([]);
    machine.lock.held = false;
    await timers.advance(MINUTE);
    expect(await kinds(machine)).toEqual(['auto']);
  });

  test('are not made when they are turned off', () => {
    const { timers, write } = setUp({ automatic: false }, OFF);
    write('one');
    expect(timers.waiting).toBe(0);
  });

  test('come by the schedule, when something changed', async () => {
    const { machine, timers, work } = setUp({ schedule: '0 * * * *', automatic: false }, OFF);
    machine.add('one');
    work.start();
    await timers.advance(150 * MINUTE);
    machine.add('two');
    await timers.advance(60 * MINUTE);
    expect(await kinds(machine)).toEqual(['scheduled', 'scheduled']);
  });
});

describe('uploads', () => {
  test('follow each backup', async () => {
    const { bucket, timers, write } = setUp();
    write('one');
    await timers.advance(30 * SECOND);
    expect(bucket.keys(/\/snapshots\//)).toHaveLength(1);
    write('two');
    await timers.advance(30 * SECOND);
    expect(bucket.keys(/\/snapshots\//)).toHaveLength(2);
  });

  test('send the backup that was made for them, whatever changes meanwhile', async () => {
    const { bucket, machine, timers, write } = setUp();
    const backUp = machine.backup.tryBackup.bind(machine.backup);
    machine.backup.tryBackup = async (...request) => {
      const made = await backUp(...request);
      machine.add('a vector that came in between');
      return made;
    };
    write('one');
    await timers.advance(30 * SECOND);
    expect(await kinds(machine)).toEqual(['auto']);
    expect(bucket.keys(/\/snapshots\//)).toHaveLength(1);
    expect(await machine.sync.hasUnsentWrites()).toBe(true);
  });

  test('make up at the start for what an earlier process could not send', async () => {
    const { bucket, machine, timers, work } = setUp();
    machine.add('one');
    await machine.backup.backup();
    work.start();
    await timers.advance(10 * SECOND);
    expect(bucket.keys(/\/head$/)).toEqual([`v1/${machine.replica.machine}/head`]);
  });

  test('make up at the start for what was lost at the remote, though nothing changed here', async () => {
    const { bucket, machine, timers, work } = setUp();
    machine.add('one');
    await machine.sync.push();
    bucket.objects.clear();
    work.start();
    await timers.advance(10 * SECOND);
    expect(bucket.keys(/\/head$/)).toEqual([`v1/${machine.replica.machine}/head`]);
    // Only the next tidying and the next look at the remote.
    expect(timers.waiting).toBe(2);
  });

  test('write nothing at the start when the remote has everything', async () => {
    const { bucket, machine, timers, work } = setUp();
    machine.add('one');
    await machine.sync.push();
    const changed: string[] = [];
    bucket.onCall = ({ operation, key }) => {
      if (operation === 'put' || operation === 'delete') changed.push(key);
    };
    work.start();
    await timers.advance(10 * SECOND);
    expect(changed).toEqual([]);
  });

  test('are tried again, slower and slower, until they succeed', async () => {
    const { bucket, timers, write, machine } = setUp();
    const attempts: number[] = [];
    bucket.down = 'unreachable';
    write('one');
    await timers.advance(30 * SECOND);
    for (let attempt = 0; attempt < 10; attempt += 1) {
      attempts.push(Math.round(timers.next / SECOND));
      await timers.advance(timers.next);
    }
    expect(attempts).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
    // Local backups do not wait for the network.
    write('two');
    await timers.advance(30 * SECOND);
    expect(await kinds(machine)).toEqual(['auto', 'auto']);
    bucket.down = null;
    await timers.advance(15 * MINUTE);
    expect(bucket.keys(/\/snapshots\//)).toHaveLength(2);
    expect(timers.waiting).toBe(0);
  });

  test('leave a store alone that never held anything', async () => {
    const { bucket, machine, timers, work } = setUp();
    work.start();
    await timers.advance(MINUTE);
    expect(bucket.objects.size).toBe(0);
    expect(await kinds(machine)).toEqual([]);
  });
});

describe('tidying', () => {
  test('comes at the start and every hour, though nobody writes, and before the first backup', async () => {
    const steps: string[] = [];
    const tidy = (): Promise<void> => {
      steps.push('tidy');
      return Promise.resolve();
    };
    const { machine, timers, work } = setUp({ tidy });
    machine.add('one');
    const backUp = machine.backup.tryBackup.bind(machine.backup);
    machine.backup.tryBackup = (...request) => {
      steps.push('backup');
      return backUp(...request);
    };
    expect(steps).toEqual([]);
    work.start();
    await timers.advance(10 * SECOND);
    expect(steps).toEqual(['tidy', 'backup']);
    await timers.advance(60 * MINUTE);
    expect(steps).toEqual(['tidy', 'backup', 'tidy']);
    await timers.advance(24 * 60 * MINUTE);
    expect(steps).toHaveLength(27);
    await work.close(0);
    await timers.advance(60 * MINUTE);
    expect(steps).toHaveLength(27);
  });

  test('that failed is tried again, and holds nothing up', async () => {
    const tries: number[] = [];
    const tidy = (): Promise<void> => {
      tries.push(tries.length);
      return tries.length < 3 ? Promise.reject(new Error('the disk is full')) : Promise.resolve();
    };
    const { bucket, log, timers, work, write } = setUp({ tidy });
    work.start();
    write('one');
    await timers.advance(MINUTE);
    expect(tries).toHaveLength(3);
    expect(bucket.keys(/\/snapshots\//)).toHaveLength(1);
    expect(log.filter((line) => line.includes('the disk is full'))).toHaveLength(2);
  });
});

describe('the empty start', () => {
  test('is tried until the remote was reached', async () => {
    const { bucket, machine, timers, work } = setUp();
    const other = new MemoryMachine(bucket);
    other.add('from elsewhere');
    await other.sync.push();
    bucket.down = 'unreachable';
    work.start();
    await timers.advance(10 * MINUTE);
    expect(machine.texts()).toEqual([]);
    bucket.down = null;
    await timers.advance(15 * MINUTE);
    expect(machine.texts()).toEqual(['from elsewhere']);
    // The next tidying and the next look at the remote.
    expect(timers.waiting).toBe(2);
  });

  test('happens once: later changes elsewhere wait for the user', async () => {
    const { bucket, machine, timers, work } = setUp();
    work.start();
    await timers.advance(MINUTE);
    const other = new MemoryMachine(bucket);
    other.add('from elsewhere');
    await other.sync.push();
    await timers.advance(60 * MINUTE);
    expect(machine.texts()).toEqual([]);
  });
});

test('with mode merge two machines keep converging', async () => {
  const { bucket, machine, timers, work, write } = setUp({ mode: 'merge' });
  const other = new MemoryMachine(bucket);
  work.start();
  for (const round of [1, 2, 3]) {
    other.add(`there ${round}`);
    await other.sync.push();
    write(`here ${round}`);
    await timers.advance(10 * MINUTE);
    await other.sync.pull();
    expect(machine.texts()).toHaveLength(2 * round);
    expect(await other.stateDigest()).toBe(await machine.stateDigest());
  }
});

describe('the end', () => {
  test('backs up what is not backed up yet', async () => {
    const { machine, write, work, timers } = setUp();
    write('one');
    await work.close(10 * SECOND);
    expect(await kinds(machine)).toEqual(['exit']);
    expect(timers.waiting).toBe(0);
    work.noteChanges(1);
    work.start();
    expect(timers.waiting).toBe(0);
  });

  test('backs up nothing when nothing changed', async () => {
    const { machine, write, work, timers } = setUp();
    write('one');
    await timers.advance(MINUTE);
    await work.close(10 * SECOND);
    expect(await kinds(machine)).toEqual(['auto']);
  });

  test('never throws', async () => {
    const { machine, write, work } = setUp();
    write('one');
    machine.lock.held = true;
    await expect(work.close(10 * SECOND)).resolves.toBeUndefined();
    await expect(work.close(10 * SECOND)).resolves.toBeUndefined();
  });
});
