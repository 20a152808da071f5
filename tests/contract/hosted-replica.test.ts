import { startWorkerStore } from '../../src/store/worker/client.ts';
import { replicaUnderTest } from '../helpers/replica-under-test.ts';
import { describeReplicaStore } from './replica-store.contract.ts';

describeReplicaStore('hostStore', () =>
  replicaUnderTest((dataDir) => startWorkerStore({ dataDir, vectorIndex: 'exact' })),
);
