import { InMemoryReplica } from '../helpers/in-memory-replica.ts';
import { describeReplicaStore } from './replica-store.contract.ts';
import type { ReplicaUnderTest } from './replica/use-replicas.ts';

describeReplicaStore('InMemoryReplica', (): ReplicaUnderTest => {
  const replica = new InMemoryReplica();
  return {
    replica,
    write: (id, text) => Promise.resolve(replica.write(id, text)),
    delete: (id) => Promise.resolve(replica.delete(id)),
    purge: (id) => Promise.resolve(replica.purge(id)),
    strip: () => {
      replica.strip();
      return Promise.resolve();
    },
    problems: () => Promise.resolve([]),
    close: () => Promise.resolve(),
  };
});
