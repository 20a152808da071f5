// Holds the lock of backup work of a data folder until it is killed. Argument: data folder.
import { SqliteWorkLock } from '../../src/store/sqlite/sqlite-work-lock.ts';

const [dataDir = ''] = process.argv.slice(2);
await new SqliteWorkLock({ dataDir }).run(
  () =>
    new Promise(() => {
      process.stdout.write('holding\n');
      process.stdin.resume();
    }),
  0,
);
