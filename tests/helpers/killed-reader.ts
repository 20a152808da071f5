// Reads a space into an empty folder, and kills itself before a given statement. Arguments: data folder, address of the
// database, space, rows of a page, number of the statement (0 = never). Prints how many statements there were.
import { PostgresLog } from '../../src/store/postgres/postgres-log.ts';
import { Connection, Query } from '../../src/store/sqlite/connection.ts';
import { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { ExactIndex } from '../../src/vector/exact-index.ts';

const [dataDir = '', url = '', space = '', rows = '1', killAt = '0'] = process.argv.slice(2);
const count = { statements: 0 };

function watch(prototype: object, method: string): void {
  const original = Reflect.get(prototype, method) as (...all: unknown[]) => unknown;
  Reflect.set(prototype, method, function (this: unknown, ...all: unknown[]) {
    count.statements += 1;
    if (count.statements === Number(killAt)) process.kill(process.pid, 'SIGKILL');
    return original.apply(this, all);
  });
}

const sizes = { memories: Number(rows), texts: Number(rows), vectors: Number(rows) };
const store = new SqliteMemoryStore({
  dataDir,
  now: () => Date.now(),
  createVectorIndex: (dimension) => Promise.resolve(new ExactIndex(dimension)),
  log: new PostgresLog({ url, schema: 'faiss_memory', space }, undefined, sizes),
});
watch(Query.prototype, 'run');
watch(Connection.prototype, 'exec');
await store.stats();
process.stdout.write(String(count.statements));
await store.close();
