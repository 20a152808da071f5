import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import type { Database } from './database.ts';
import { isMissingTable } from './postgres-errors.ts';
import { SCHEMA_VERSION, secureView, stepTo } from './schema.ts';

/** Any number that no other program uses for its locks. */
const LOCK = 0x46_4d_65_6d;
const OLDEST_SERVER = 140_000;
const VIEWS_WITH_RIGHTS_OF_READERS = 150_000;
const LONG = { withinMs: 60_000 };

/**
 * Makes the tables, or brings them to the newest version, in one transaction: half a migration is rolled back. Of several
 * processes that try, one does the work and the others wait for it.
 * @throws FaissMemoryError `STORE_TOO_NEW` when a newer program has changed the tables
 */
export async function migrate(database: Database, schema: string): Promise<void> {
  const found = await readVersion(database, schema);
  if (found === SCHEMA_VERSION) return;
  if (found > SCHEMA_VERSION) throw tooNew(database.location, schema, found);
  await database.transaction(async (statement) => {
    await statement('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    const [server] = await statement(
      `SELECT current_setting('server_version_num')::integer AS version, current_setting('server_encoding') AS encoding,
        current_setting('server_version') AS name`,
    );
    const version = Number(server?.['version']);
    checkServer(database.location, {
      version,
      name: String(server?.['name']),
      encoding: String(server?.['encoding']),
    });
    const [there] = await statement('SELECT to_regclass($1) IS NOT NULL AS there', [
      `${schema}.schema_version`,
    ]);
    const isNew = there?.['there'] !== true;
    const [row] = isNew ? [] : await statement(`SELECT version FROM ${schema}.schema_version FOR UPDATE`);
    const now = Number(row?.['version'] ?? 0);
    // Another process was faster.
    if (now >= SCHEMA_VERSION) return;
    const [space] = await statement('SELECT to_regnamespace($1) IS NOT NULL AS there', [schema]);
    // A schema that is there needs no permission to make one.
    if (space?.['there'] !== true) await statement(`CREATE SCHEMA ${schema}`);
    for (let step = now + 1; step <= SCHEMA_VERSION; step += 1) await statement(stepTo(step, schema));
    if (isNew && version >= VIEWS_WITH_RIGHTS_OF_READERS) await statement(secureView(schema));
    await statement(
      isNew
        ? `CREATE TABLE ${schema}.schema_version (version integer NOT NULL); INSERT INTO ${schema}.schema_version VALUES (${SCHEMA_VERSION})`
        : `UPDATE ${schema}.schema_version SET version = ${SCHEMA_VERSION}`,
    );
  }, LONG);
}

/** 0 = there are no tables yet. */
export async function readVersion(database: Database, schema: string): Promise<number> {
  const sql = `SELECT version FROM ${schema}.schema_version`;
  try {
    const [row] = await database.run(sql, [], { withinMs: 5_000 });
    return Number(row?.['version'] ?? 0);
  } catch (error) {
    if (error instanceof FaissMemoryError && isMissingTable(error.cause)) return 0;
    throw error;
  }
}

function checkServer(
  location: string,
  { version, name, encoding }: { readonly version: number; readonly name: string; readonly encoding: string },
): void {
  if (version < OLDEST_SERVER) {
    throw new StoreUnavailableError(`The database ${location} is PostgreSQL ${name}, which is too old`, {
      fix: 'Use PostgreSQL 14 or newer.',
    });
  }
  if (encoding !== 'UTF8') {
    throw new StoreUnavailableError(
      `The database ${location} has the encoding ${encoding}, which cannot hold all texts`,
      {
        fix: "Create it with ENCODING 'UTF8' (TEMPLATE template0).",
      },
    );
  }
}

function tooNew(location: string, schema: string, found: number): FaissMemoryError {
  return new FaissMemoryError(
    'STORE_TOO_NEW',
    `The tables of ${schema} in the database ${location} have version ${found}; this version of faiss-memory supports up to ${SCHEMA_VERSION}`,
    { fix: 'Update faiss-memory (npm install faiss-memory@latest) and restart it.' },
  );
}
