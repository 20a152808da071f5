import { createRequire } from 'node:module';
import type { DatabaseSyncInstance, DatabaseSyncOptions } from '@photostructure/sqlite';
import { StoreUnavailableError } from '../../errors/store-errors.ts';

/** The one interface of both engines. */
interface Sqlite {
  readonly DatabaseSync: new (path: string, options?: DatabaseSyncOptions) => DatabaseSyncInstance;
}

const PACKAGE = '@photostructure/sqlite';
/** Older ones can lose committed pages when two processes move the write-ahead log at the same moment. */
const OLDEST_SQLITE = '3.51.3';

let chosen: Sqlite | undefined;

/**
 * Opens a database with the engine of this process: SQLite inside Node.js where that is good enough, else the one of
 * the optional package. Nothing else may load either of them, because two engines in one process would drop each
 * other's locks on a file. Processes with different engines can use the same file at the same time.
 *
 * The engine is loaded by the first call, so that an import costs nothing.
 *
 * @throws StoreUnavailableError when this Node.js has none and the package is not there
 */
export function openDatabase(path: string, options: DatabaseSyncOptions = {}): DatabaseSyncInstance {
  chosen ??= engineOfNode() ?? engineOfPackage();
  return new chosen.DatabaseSync(path, options);
}

function engineOfNode(): Sqlite | undefined {
  // It gives nothing before Node.js 22.13, where the engine does not exist or needs a flag.
  const engine = withoutWarning(() => process.getBuiltinModule('node:sqlite') as Sqlite | undefined);
  return engine !== undefined && isGoodEnough(engine) ? engine : undefined;
}

/** Tried out, because some distributions build Node.js with the SQLite of the system. */
export function isGoodEnough({ DatabaseSync }: Sqlite): boolean {
  const database = new DatabaseSync(':memory:');
  try {
    database.exec("CREATE VIRTUAL TABLE word USING fts5(text, content='', contentless_delete=1)");
    const statement = database.prepare('SELECT sqlite_version() AS version');
    // Node.js has it since 22.16, with time limits for locks and the state of transactions.
    if (!('setReturnArrays' in statement)) return false;
    const { version } = statement.get() as { version: string };
    return version.localeCompare(OLDEST_SQLITE, 'en', { numeric: true }) >= 0;
  } catch {
    return false;
  } finally {
    database.close();
  }
}

/** Node.js announces on stderr that its engine is experimental, which helps no user. Other warnings stay. */
function withoutWarning<Result>(load: () => Result): Result {
  const emitWarning = process.emitWarning.bind(process);
  const before = Object.getOwnPropertyDescriptor(process, 'emitWarning');
  process.emitWarning = ((...[warning, ...rest]: Parameters<typeof emitWarning>) => {
    if (!String(warning).startsWith('SQLite is an experimental feature')) emitWarning(warning, ...rest);
  }) as typeof process.emitWarning;
  try {
    return load();
  } finally {
    if (before !== undefined) Object.defineProperty(process, 'emitWarning', before);
  }
}

function engineOfPackage(): Sqlite {
  try {
    return createRequire(import.meta.url)(PACKAGE) as Sqlite;
  } catch (cause) {
    throw new StoreUnavailableError(
      `The memory store cannot be opened: Node.js ${process.version} has no SQLite that is new enough (${OLDEST_SQLITE}), and the package ${PACKAGE} cannot be loaded (${reasonOf(cause)})`,
      {
        fix: `Install the newest Node.js 22 or 24 from https://nodejs.org, or install faiss-memory again without "--omit=optional", so that it gets ${PACKAGE}.`,
        cause,
      },
    );
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
}
