import { describe } from 'vitest';
import { describeIdentity } from './replica/identity.contract.ts';
import { describeMerges } from './replica/merges.contract.ts';
import { describeRestores } from './replica/restores.contract.ts';
import type { PrepareReplica } from './replica/use-replicas.ts';

/** What every `ReplicaStore` must do, however it is made. */
export function describeReplicaStore(name: string, prepare: PrepareReplica): void {
  describe(`${name} as a replica`, () => {
    describeMerges(prepare);
    describeRestores(prepare);
    describeIdentity(prepare);
  });
}
