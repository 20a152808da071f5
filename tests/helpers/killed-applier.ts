// Changes a store by backup and sync, and kills itself before a given statement. Arguments: data folder, file with
// a snapshot, what to do, number of the statement (0 = never). Prints how many statements there were.
import { readFileSync } from 'node:fs';
import { deserialize } from 'node:v8';
import { assembleReplica } from '../../src/store/worker/client.ts';
import { Connection, Query } from '../../src/store/sqlite/connection.ts';
import { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { ExactIndex } from '../../src/vector/exact-index.ts';
import { apply, type Snapshot } from '../contract/replica/use-replicas.ts';

const [dataDir = '', snapshotFile = '', how = '', killAt = '0'] = process.argv.slice(2);
const count = { statements: 0 };

function beforeStatement(): void {
  count.statements += 1;
  if (count.statements === Number(killAt)) process.kill(process.pid, 'SIGKILL');
}

function watch(prototype: object, method: string): void {
  const original = Reflect.get(prototype, method) as (...all: unknown[]) => unknown;
  Reflect.set(prototype, method, function (this: unknown, ...all: unknown[]) {
    beforeStatement();
    return original.apply(this, all);
  });
}

const store = new SqliteMemoryStore({
  dataDir,
  now: () => Date.now(),
  createVectorIndex: (dimension) => Promise.resolve(new ExactIndex(dimension)),
  ...(how === 'merge in steps' ? { stepSizes: { memories: 0, bytes: 0, milliseconds: 0 } } : {}),
});
const replica = assembleReplica(store.replica);
const { machine } = await replica.identity();
watch(Query.prototype, 'run');
watch(Connection.prototype, 'exec');
if (how === 'identity') await replica.takeNewIdentity(machine, 1);
else {
  // Only the test writes the file.
  const snapshot = deserialize(readFileSync(snapshotFile)) as Snapshot;
  await apply(replica, how === 'restore' ? 'restore' : 'merge', snapshot);
}
process.stdout.write(String(count.statements));
await store.close();
