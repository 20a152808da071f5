import type pg from 'pg';
import type { Client, Connection, QueryResultRow } from 'pg';

/** Whose rows a statement is about. */
export interface Scope {
  /** Id of the space; absent = of no space, or of several. */
  readonly space?: string | undefined;
}

/** Policies of row-level security compare it with the column `space`. */
const SETTING = 'faiss_memory.space';

/** Sets the value for the transaction, and has no rows. */
const NAME_SPACE = `SELECT 1 WHERE set_config('${SETTING}', $1, true) IS NULL`;

export interface ScopedStatement extends Scope {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/**
 * Runs a statement as a transaction that names its space to the policies of the tables. Both go out together, and the
 * protocol makes one transaction of all that comes before its mark of synchronization: so it costs no round trip, and
 * nothing is left in the session.
 * @param driver the package of the client
 */
export async function scopedStatement(
  driver: typeof pg,
  client: Client,
  { sql, parameters, space }: ScopedStatement,
): Promise<QueryResultRow[]> {
  // Without parameters, several statements are one text, as the simple protocol has it.
  if (parameters.length === 0) return (await client.query<QueryResultRow>(sql)).rows;
  if (space === undefined) return (await client.query<QueryResultRow>(sql, [...parameters])).rows;
  return new Promise((resolve, reject) => {
    const query = new driver.Query<QueryResultRow>(sql, [...parameters], (error, result) => {
      // Of several statements the driver gives a list of results, the types name the last alone.
      const last = [result].flat().at(-1);
      // It calls with null when there is no error.
      if (error == null) resolve(last?.rows ?? []);
      else reject(error);
    });
    const submit = query.submit.bind(query);
    query.submit = (connection) => {
      connection.stream.cork();
      try {
        begin(connection, space);
        submit(connection);
      } finally {
        connection.stream.uncork();
      }
    };
    client.query(query);
  });
}

function begin(connection: Connection, space: string): void {
  connection.parse({ name: '', text: NAME_SPACE, types: [] }, true);
  connection.bind({ values: [space] }, true);
  connection.execute({}, true);
}

/** The same for a text of several statements. */
export function nameSpace({ space }: Scope): string {
  // Ids of spaces have none of these characters.
  const plain = space?.replaceAll(/['\\]/g, '');
  return plain === undefined ? '' : `; SELECT set_config('${SETTING}', '${plain}', true)`;
}
