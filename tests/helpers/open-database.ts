// Opens a database in memory, and then gives a warning of its own.
import { FaissMemoryError } from '../../src/errors/faiss-memory-error.ts';
import { openDatabase } from '../../src/store/sqlite/engine.ts';

try {
  openDatabase(':memory:').close();
  process.emitWarning('another one');
  process.stdout.write('opened\n');
} catch (error) {
  if (!(error instanceof FaissMemoryError)) throw error;
  process.stdout.write(`${error.code}: ${error.message} ${error.fix ?? ''}\n`);
}
