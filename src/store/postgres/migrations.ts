import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import type { Database } from './database.ts';
import { isMissingTable } from './postgres-errors.ts';
import { ADDITIONS, SCHEMA_VERSION, secureView, tablesOf } from './schema.ts';

/** Any number that no other program uses for its locks. */
const LOCK = 0x46_4d_65_6d;
const OLDEST_SERVER = 140_000;
const VIEWS_WITH_RIGHTS_OF_READERS = 150_000;
const LONG = { withinMs: 60_000 };

/** The tables as they are. */
export interface FoundTables {
  /** 0 = there are none yet. */
  readonly version: number;
  /** Number of additions that were made. */
  readonly additions: number;
}

/**
 * Makes the tables, or the missing ones of them, in one transaction: half a migration is rolled back. Of several
 * processes that try, one does the work and the others wait for it. Additions of newer programs are left as they are.
 * @param additions only tests give others
 * @throws FaissMemoryError `STORE_TOO_NEW` when a newer program made tables that this one cannot work with
 */
export async function migrate(
  database: Database,
  schema: string,
  additions: readonly string[] = ADDITIONS,
): Promise<void> {
  const isEnough = (found: FoundTables): boolean => {
    checkVersion(found.version, { location: database.location, schema });
    return found.version === SCHEMA_VERSION && found.additions >= additions.length;
  };
  if (isEnough(await readFound(database, schema))) return;
  await database.transaction(async (statement) => {
    await statement('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    const [there] = await statement('SELECT to_regclass($1) IS NOT NULL AS there', [
      `${schema}.schema_version`,
    ]);
    if (there?.['there'] !== true) await makeTables(statement, { location: database.location, schema });
    const [row] = await statement(foundIn(schema));
    const found = toFound(row);
    // Another process was faster.
    if (isEnough(found) || additions.length === 0) return;
    for (const addition of additions.slice(found.additions)) {
      await statement(addition.replaceAll('@.', `${schema}.`));
    }
    await statement(
      `ALTER TABLE ${schema}.schema_version ADD COLUMN IF NOT EXISTS additions integer NOT NULL DEFAULT 0;
        UPDATE ${schema}.schema_version SET additions = ${additions.length}`,
    );
  }, LONG);
}

type Statement = Parameters<Parameters<Database['transaction']>[0]>[0];

async function makeTables(
  statement: Statement,
  { location, schema }: { readonly location: string; readonly schema: string },
): Promise<void> {
  const [server] = await statement(
    `SELECT current_setting('server_version_num')::integer AS version, current_setting('server_encoding') AS encoding,
      current_setting('server_version') AS name`,
  );
  const version = Number(server?.['version']);
  checkServer(location, { version, name: String(server?.['name']), encoding: String(server?.['encoding']) });
  const [space] = await statement('SELECT to_regnamespace($1) IS NOT NULL AS there', [schema]);
  // A schema that is there needs no permission to make one.
  if (space?.['there'] !== true) await statement(`CREATE SCHEMA ${schema}`);
  await statement(tablesOf(schema));
  if (version >= VIEWS_WITH_RIGHTS_OF_READERS) await statement(secureView(schema));
  await statement(
    `CREATE TABLE ${schema}.schema_version (version integer NOT NULL); INSERT INTO ${schema}.schema_version VALUES (${SCHEMA_VERSION})`,
  );
}

/** As JSON, because the column of additions is not there before the first one. */
function foundIn(schema: string): string {
  return `SELECT s.version, (to_jsonb(s) ->> 'additions')::integer AS additions FROM ${schema}.schema_version s`;
}

function toFound(row: Readonly<Record<string, unknown>> | undefined): FoundTables {
  return { version: Number(row?.['version'] ?? 0), additions: Number(row?.['additions'] ?? 0) };
}

export async function readFound(database: Database, schema: string): Promise<FoundTables> {
  try {
    const [row] = await database.run(foundIn(schema), [], { withinMs: 5_000 });
    return toFound(row);
  } catch (error) {
    if (error instanceof FaissMemoryError && isMissingTable(error.cause)) return toFound(undefined);
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

/** @throws FaissMemoryError `STORE_TOO_NEW` when this program cannot work with such tables */
export function checkVersion(
  found: number,
  { location, schema }: { readonly location: string; readonly schema: string },
): void {
  if (found <= SCHEMA_VERSION) return;
  throw new FaissMemoryError(
    'STORE_TOO_NEW',
    `The tables of ${schema} in the database ${location} have version ${found}; this version of faiss-memory supports up to ${SCHEMA_VERSION}`,
    { fix: 'Update faiss-memory (npm install faiss-memory@latest) and restart it.' },
  );
}
