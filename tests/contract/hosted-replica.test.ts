import { hostStore } from '../../src/store/hosted-memory-store.ts';
import { replicaUnderTest } from '../helpers/replica-under-test.ts';
import { describeReplicaStore } from './replica-store.contract.ts';

describeReplicaStore('hostStore', () =>
  replicaUnderTest((dataDir) => hostStore({ dataDir, vectorIndex: 'exact' })),
);
