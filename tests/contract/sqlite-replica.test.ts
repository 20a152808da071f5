import { assembleReplica } from '../../src/store/worker/client.ts';
import { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { ExactIndex } from '../../src/vector/exact-index.ts';
import { replicaUnderTest } from '../helpers/replica-under-test.ts';
import { describeReplicaStore } from './replica-store.contract.ts';

describeReplicaStore('SqliteReplica', () =>
  replicaUnderTest((dataDir) => {
    const memory = new SqliteMemoryStore({
      dataDir,
      now: () => Date.now(),
      createVectorIndex: (dimension) => Promise.resolve(new ExactIndex(dimension)),
    });
    return { memory, replica: assembleReplica(memory.replica) };
  }),
);
