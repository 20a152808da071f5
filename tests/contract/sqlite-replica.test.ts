import { assembleReplica } from '../../src/store/worker/client.ts';
import { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { ExactIndex } from '../../src/vector/exact-index.ts';
import { replicaUnderTest } from '../helpers/replica-under-test.ts';
import { describeReplicaStore } from './replica-store.contract.ts';

const KINDS = [
  ['SqliteReplica', {}],
  ['SqliteReplica that merges memory by memory', { stepSizes: { memories: 0, bytes: 0, milliseconds: 0 } }],
] as const;

for (const [name, settings] of KINDS) {
  describeReplicaStore(name, () =>
    replicaUnderTest((dataDir) => {
      const memory = new SqliteMemoryStore({
        dataDir,
        now: () => Date.now(),
        createVectorIndex: (dimension) => Promise.resolve(new ExactIndex(dimension)),
        ...settings,
      });
      return { memory, replica: assembleReplica(memory.replica) };
    }),
  );
}
