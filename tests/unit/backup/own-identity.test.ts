import { describe, expect, test } from 'vitest';
import { withOwnIdentity } from '../../../src/backup/own-identity.ts';
import { MachineForkedError } from '../../../src/errors/backup-errors.ts';
import { InMemoryReplica } from '../../helpers/in-memory-replica.ts';

describe('withOwnIdentity', () => {
  test('runs the work as the machine that the store is', async () => {
    const replica = new InMemoryReplica();
    const { machine } = replica;
    await expect(withOwnIdentity(replica, (as) => Promise.resolve(as))).resolves.toBe(machine);
    expect(replica.machine).toBe(machine);
  });

  test('takes a new id after a fork, writes what is not shared under it, and runs the work again', async () => {
    const replica = new InMemoryReplica();
    const { machine } = replica;
    replica.write('aaaaaaaa-0000-7000-8000-000000000001', 'shared');
    replica.write('aaaaaaaa-0000-7000-8000-000000000002', 'mine');
    const asked: string[] = [];

    await withOwnIdentity(replica, (as) => {
      asked.push(as);
      return as === machine ? Promise.reject(new MachineForkedError(as, 1, 'memory:')) : Promise.resolve();
    });

    expect(asked).toEqual([machine, replica.machine]);
    expect(replica.machine).not.toBe(machine);
    expect(replica.table.clock).toEqual({ [machine]: 1, [replica.machine]: 1 });
  });

  test('gives up after three forks in a row', async () => {
    const replica = new InMemoryReplica();
    const asked = new Set<string>();
    const work = (as: string): Promise<never> => {
      asked.add(as);
      return Promise.reject(new MachineForkedError(as, 0, 'memory:'));
    };
    await expect(withOwnIdentity(replica, work)).rejects.toThrow(MachineForkedError);
    expect(asked.size).toBe(3);
  });

  test('passes other errors on', async () => {
    const replica = new InMemoryReplica();
    const { machine } = replica;
    await expect(withOwnIdentity(replica, () => Promise.reject(new Error('other')))).rejects.toThrow('other');
    expect(replica.machine).toBe(machine);
  });
});
