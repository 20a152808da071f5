import type { AccountKey } from './auth-store.ts';

/** Each statement is one transaction. */
export interface SignInStatements {
  readonly accounts: string;
  readonly account: Readonly<Record<AccountKey, string>>;
  readonly addAccount: string;
  /** One row when it was set. */
  readonly setPassword: string;
  readonly replaceHash: string;
  readonly invite: string;
  readonly removeAccount: string;
  readonly putEntry: string;
  readonly entry: string;
  readonly entryByUid: string;
  readonly noteUse: string;
  /** One row for the first one, also when it comes again. */
  readonly consumeEntry: string;
  readonly removeEntry: string;
  readonly removeGrant: string;
  readonly sweep: string;
  readonly secrets: string;
  readonly addSecret: string;
  readonly replaceSecret: string;
  readonly removeSecret: string;
  readonly takeAttempt: string;
  readonly takeBackAttempt: string;
}

/** Rows that one sweep removes at most, of each kind. */
const SWEPT = 1_000;
const MOST_ATTEMPTS = 10_000;
const ACCOUNT = 'id, name, scope, password, created_at, valid_from';
const MS = `extract(epoch FROM clock_timestamp()) * 1000`;
const ENTRY = `content, consumed_at, (extract(epoch FROM expires_at - now()) * 1000)::float8 AS left_ms,
  kind = 'Client' AND used_at < now() - interval '1 hour' AS forgotten`;
const COUNTS = '(expires_at IS NULL OR expires_at > now())';

/** @param schema a checked name */
export function signInStatements(schema: string): SignInStatements {
  return { ...accountStatements(schema), ...entryStatements(schema), ...secretStatements(schema) };
}

type Of<Name extends keyof SignInStatements> = Pick<SignInStatements, Name>;

function accountStatements(
  schema: string,
): Of<'accounts' | 'account' | 'addAccount' | 'setPassword' | 'replaceHash' | 'invite' | 'removeAccount'> {
  const [account, entry] = [`${schema}.sign_in_account`, `${schema}.sign_in_entry`];
  const select = `SELECT ${ACCOUNT} FROM ${account}`;
  return {
    accounts: `${select} ORDER BY folded_name COLLATE "C"`,
    account: {
      id: `${select} WHERE id = $1`,
      foldedName: `${select} WHERE folded_name = $1`,
      invitation: `${select} WHERE invitation = $1 AND invited_until > now()`,
    },
    addAccount: `WITH room AS (SELECT count(*) < $6 AS there FROM ${account}), added AS (
        INSERT INTO ${account} (id, name, folded_name, scope, password, created_at, valid_from)
        SELECT $1, $2, $3, $4, $5, floor(${MS}), ceil(${MS} / 1000) FROM room WHERE there
        ON CONFLICT DO NOTHING RETURNING id
      ), ended AS (DELETE FROM ${entry} USING added WHERE account_id = added.id)
      SELECT there AS room, EXISTS (SELECT FROM added) AS added FROM room`,
    setPassword: `WITH changed AS (
        UPDATE ${account} SET password = $2, invitation = NULL, invited_until = NULL,
          valid_from = greatest(valid_from + 1, ceil(${MS} / 1000))
        WHERE id = $1 AND ($3::text IS NULL OR (invitation = $3 AND invited_until > now())) RETURNING id
      ), ended AS (DELETE FROM ${entry} USING changed WHERE account_id = changed.id)
      SELECT id FROM changed`,
    replaceHash: `UPDATE ${account} SET password = $3 WHERE id = $1 AND password = $2`,
    invite: `UPDATE ${account} SET invitation = $2, invited_until = now() + $3::float8 * interval '1 millisecond'
      WHERE id = $1`,
    removeAccount: `WITH gone AS (DELETE FROM ${account} WHERE id = $1)
      DELETE FROM ${entry} WHERE account_id = $1`,
  };
}

function entryStatements(
  schema: string,
): Of<
  'putEntry' | 'entry' | 'entryByUid' | 'noteUse' | 'consumeEntry' | 'removeEntry' | 'removeGrant' | 'sweep'
> {
  const [entry, attempt] = [`${schema}.sign_in_entry`, `${schema}.sign_in_attempt`];
  return {
    // An entry that was used stays so.
    putEntry: `INSERT INTO ${entry} (kind, key, content, account_id, grant_id, uid, used_at, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6, now(), now() + $7::float8 * interval '1 millisecond')
      ON CONFLICT (kind, key) DO UPDATE SET content = excluded.content, account_id = excluded.account_id,
        grant_id = excluded.grant_id, uid = excluded.uid, used_at = excluded.used_at, expires_at = excluded.expires_at`,
    entry: `SELECT ${ENTRY} FROM ${entry} WHERE kind = $1 AND key = $2 AND ${COUNTS}`,
    entryByUid: `SELECT ${ENTRY} FROM ${entry} WHERE kind = $1 AND uid = $2 AND ${COUNTS}`,
    noteUse: `UPDATE ${entry} SET used_at = now() WHERE kind = $1 AND key = $2`,
    consumeEntry: `UPDATE ${entry} SET consumed_at = floor(extract(epoch FROM now())), consumed_by = $3
      WHERE kind = $1 AND key = $2 AND (consumed_at IS NULL OR consumed_by = $3) RETURNING 1`,
    removeEntry: `DELETE FROM ${entry} WHERE kind = $1 AND key = $2`,
    removeGrant: `DELETE FROM ${entry} WHERE grant_id = $1 OR (kind = 'Grant' AND key = $1)`,
    // One server at a time does it; the others have nothing to wait for.
    sweep: `WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(hashtext('${entry}')) AS mine), ended AS (
        SELECT kind, key FROM ${entry} WHERE expires_at <= now() AND (SELECT mine FROM turn) ORDER BY expires_at LIMIT ${SWEPT}
      ), surplus AS (
        SELECT kind, key FROM ${entry} WHERE kind = $1 AND (SELECT mine FROM turn)
        ORDER BY used_at DESC, key OFFSET $2 LIMIT ${SWEPT}
      ), attempts AS (
        DELETE FROM ${attempt} WHERE key IN (
          SELECT key FROM ${attempt} WHERE ends_at <= now() AND (SELECT mine FROM turn) LIMIT ${SWEPT}
        ) OR key IN (
          SELECT key FROM ${attempt} WHERE (SELECT mine FROM turn) ORDER BY ends_at DESC OFFSET ${MOST_ATTEMPTS} LIMIT ${SWEPT}
        )
      )
      DELETE FROM ${entry} e USING (SELECT * FROM ended UNION SELECT * FROM surplus) gone
      WHERE e.kind = gone.kind AND e.key = gone.key`,
  };
}

function secretStatements(
  schema: string,
): Of<'secrets' | 'addSecret' | 'replaceSecret' | 'removeSecret' | 'takeAttempt' | 'takeBackAttempt'> {
  const [secret, attempt] = [`${schema}.sign_in_secret`, `${schema}.sign_in_attempt`];
  return {
    secrets: `SELECT id, content, created_at FROM ${secret} WHERE kind = $1 ORDER BY place DESC`,
    // Of several first ones at the same moment, the key of the table lets one in.
    addSecret: `INSERT INTO ${secret} (kind, place, id, content, created_at)
      SELECT $1, coalesce(max(place), 0) + 1, $2, $3, floor(${MS}) FROM ${secret} WHERE kind = $1
      HAVING $4::boolean OR count(*) = 0 ON CONFLICT DO NOTHING`,
    replaceSecret: `UPDATE ${secret} SET content = $3 WHERE id = $1 AND content = $2`,
    removeSecret: `DELETE FROM ${secret} WHERE id = $1`,
    takeAttempt: `WITH taken AS (
        INSERT INTO ${attempt} AS a (key, count, ends_at) VALUES ($1, 1, now() + $3::float8 * interval '1 millisecond')
        ON CONFLICT (key) DO UPDATE SET
          count = CASE WHEN a.ends_at <= now() THEN 1 ELSE a.count + 1 END,
          ends_at = CASE WHEN a.ends_at <= now() THEN excluded.ends_at ELSE a.ends_at END
        WHERE a.count < $2 OR a.ends_at <= now() RETURNING 1
      )
      SELECT CASE WHEN EXISTS (SELECT FROM taken) THEN 0 ELSE coalesce(greatest(1, ceil(extract(epoch FROM (
        SELECT ends_at FROM ${attempt} WHERE key = $1) - now())))::integer, 1) END AS wait`,
    takeBackAttempt: `UPDATE ${attempt} SET count = greatest(count - 1, 0) WHERE key = $1`,
  };
}
