/** Limits of times that `timestamptz` can show: the years 1 to 9999. */
const SHOWN_TIMES = 'BETWEEN -62135596800000 AND 253402300799999';

/**
 * Version 1. Nothing here needs an extension. `@.` stands for the schema.
 *
 * space: one row for each; `sequence` is the number of its newest entry, `commit_id` names that entry, `change` is the
 *   number of the last change of a memory, `clock` the version vector.
 * entry: the id of each entry.
 * memory_state: one row for each id ever seen; `sequence` is the entry that touched it last.
 * version: `replaced_at` is null for versions that no known version replaces; `current` marks the one that is shown.
 *   Times are milliseconds since the epoch. `metadata` is `json`, not `jsonb`, which refuses some valid texts.
 * embedding: `vectors` has those of all chunks one after the other: 4 bytes scale, then 1 byte for each dimension.
 * note: notes, and the journal of heads in buckets.
 * lease: which replica works on the backups of a space.
 * memory: the current versions, for people who read with SQL.
 */
const SCHEMA_1 = `
CREATE TABLE @.space (
  id text PRIMARY KEY,
  machine text NOT NULL,
  sequence bigint NOT NULL,
  commit_id uuid NOT NULL,
  change bigint NOT NULL,
  clock jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE @.entry (
  space text NOT NULL,
  sequence bigint NOT NULL,
  commit_id uuid NOT NULL,
  written_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (space, sequence)
);
CREATE TABLE @.memory_state (
  space text NOT NULL,
  id uuid NOT NULL,
  sequence bigint NOT NULL,
  change bigint NOT NULL,
  erased_here boolean NOT NULL,
  hidden json,
  bytes integer NOT NULL,
  PRIMARY KEY (space, id)
);
CREATE UNIQUE INDEX memory_state_by_change ON @.memory_state (space, change);
CREATE INDEX memory_state_by_sequence ON @.memory_state (space, sequence);
CREATE TABLE @.version (
  space text NOT NULL,
  memory_id uuid NOT NULL,
  machine text NOT NULL,
  counter bigint NOT NULL,
  sequence bigint NOT NULL,
  place integer NOT NULL,
  state text NOT NULL CHECK (state IN ('live', 'deleted', 'stripped', 'purged')),
  current boolean NOT NULL,
  replaced_at bigint,
  text text NOT NULL,
  tags text[] NOT NULL,
  source text NOT NULL,
  metadata json NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  PRIMARY KEY (space, memory_id, machine, counter)
);
CREATE TABLE @.model (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  model_id text NOT NULL,
  dimension integer NOT NULL,
  weights_hash text NOT NULL,
  UNIQUE (model_id, dimension, weights_hash)
);
CREATE TABLE @.embedding (
  space text NOT NULL,
  memory_id uuid NOT NULL,
  machine text NOT NULL,
  counter bigint NOT NULL,
  model integer NOT NULL REFERENCES @.model (id),
  starts integer[] NOT NULL,
  ends integer[] NOT NULL,
  vectors bytea NOT NULL,
  PRIMARY KEY (space, memory_id, machine, counter, model)
);
ALTER TABLE @.embedding ALTER COLUMN vectors SET STORAGE EXTERNAL;
CREATE TABLE @.note (
  space text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('note', 'attempt', 'seen')),
  place text NOT NULL,
  name text NOT NULL,
  sequence bigint NOT NULL,
  value json,
  PRIMARY KEY (space, kind, place, name)
);
CREATE INDEX note_by_sequence ON @.note (space, sequence);
CREATE TABLE @.lease (
  space text NOT NULL,
  name text NOT NULL,
  holder text NOT NULL,
  ends_at timestamptz NOT NULL,
  PRIMARY KEY (space, name)
);
CREATE VIEW @.memory AS
  SELECT v.space, v.memory_id AS id, v.state, v.text, v.tags, v.source, v.metadata,
    CASE WHEN v.created_at ${SHOWN_TIMES} THEN to_timestamp(v.created_at / 1000.0) END AS created_at,
    CASE WHEN v.updated_at ${SHOWN_TIMES} THEN to_timestamp(v.updated_at / 1000.0) END AS updated_at,
    v.machine, v.counter, m.change
  FROM @.version v
  JOIN @.memory_state m ON m.space = v.space AND m.id = v.memory_id
  WHERE v.current;
`;

/**
 * The first addition: the people of a team. Servers that do not know it go on beside it.
 *
 * team_space: one row for each space of a team, `default` included; `removed` is when it moved to the trash, where its
 *   memories stay in the tables above. Times are milliseconds since the epoch.
 * team_token, team_invitation: the SHA-256 of the secret, never the secret.
 * team_audit: the actions of people, without texts.
 */
const PEOPLE = `
CREATE TABLE @.team_person (
  id text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  space text NOT NULL,
  created bigint NOT NULL
);
CREATE TABLE @.team_space (
  id text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('personal', 'shared')),
  created bigint NOT NULL,
  removed bigint
);
CREATE TABLE @.team_member (
  space text COLLATE "C" NOT NULL,
  person text COLLATE "C" NOT NULL,
  role text NOT NULL CHECK (role IN ('reader', 'writer', 'owner')),
  PRIMARY KEY (space, person)
);
CREATE INDEX team_member_by_person ON @.team_member (person);
CREATE TABLE @.team_token (
  id text COLLATE "C" PRIMARY KEY,
  person text COLLATE "C" NOT NULL,
  name text NOT NULL,
  hash bytea NOT NULL,
  scope text NOT NULL,
  created bigint NOT NULL,
  expires bigint,
  last_used text
);
CREATE INDEX team_token_by_person ON @.team_token (person);
CREATE TABLE @.team_invitation (
  hash bytea PRIMARY KEY,
  person text COLLATE "C" NOT NULL,
  expires bigint NOT NULL
);
CREATE TABLE @.team_audit (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  person text COLLATE "C" NOT NULL,
  space text COLLATE "C" NOT NULL,
  action text NOT NULL,
  count bigint NOT NULL,
  refused text NOT NULL,
  about text NOT NULL
);
CREATE INDEX team_audit_by_space ON @.team_audit (space, number);
CREATE INDEX team_audit_by_person ON @.team_audit (person, number);
CREATE INDEX team_audit_by_time ON @.team_audit (at);
INSERT INTO @.team_space VALUES ('default', 'default', 'shared', 0, NULL);
INSERT INTO @.team_member VALUES ('default', 'server', 'owner');
`;

/**
 * The second addition: the authorization server. Servers that do not know it go on beside it, without its accounts.
 *
 * sign_in_account: `password` is a hash with its salt; `invitation` the digest of one. `created_at` is milliseconds since
 *   the epoch, `valid_from` seconds.
 * sign_in_entry: grants, sessions and clients. `key` is a digest where the id is a secret of its own.
 * sign_in_secret: keys that sign, the newest with the highest `place` of its kind.
 * sign_in_attempt: logins and registrations in a window of time; `key` is a digest.
 */
const SIGN_IN = `
CREATE TABLE @.sign_in_account (
  id text PRIMARY KEY,
  name text NOT NULL,
  folded_name text NOT NULL UNIQUE,
  scope text NOT NULL,
  password text,
  invitation text UNIQUE,
  invited_until timestamptz,
  created_at bigint NOT NULL,
  valid_from bigint NOT NULL
);
CREATE TABLE @.sign_in_entry (
  kind text NOT NULL,
  key text NOT NULL,
  content text NOT NULL,
  account_id text,
  grant_id text,
  uid text,
  consumed_at bigint,
  consumed_by uuid,
  used_at timestamptz NOT NULL,
  expires_at timestamptz,
  PRIMARY KEY (kind, key)
);
CREATE INDEX sign_in_entry_by_account ON @.sign_in_entry (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX sign_in_entry_by_grant ON @.sign_in_entry (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX sign_in_entry_by_uid ON @.sign_in_entry (kind, uid) WHERE uid IS NOT NULL;
CREATE INDEX sign_in_entry_by_end ON @.sign_in_entry (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX sign_in_entry_by_use ON @.sign_in_entry (kind, used_at);
CREATE TABLE @.sign_in_secret (
  kind text NOT NULL,
  place integer NOT NULL,
  id text NOT NULL UNIQUE,
  content text NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (kind, place)
);
CREATE TABLE @.sign_in_attempt (
  key text PRIMARY KEY,
  count integer NOT NULL,
  ends_at timestamptz NOT NULL
);
CREATE INDEX sign_in_attempt_by_end ON @.sign_in_attempt (ends_at);
`;

/**
 * Version of the tables that this program needs. It rises only when older programs could not work with the tables any
 * more: they say so and stop, so such an update interrupts the service.
 */
export const SCHEMA_VERSION = 1;

/**
 * The additions to the tables of this version, in order; `@.` stands for the schema. Each is a step that older programs
 * of the same version do not notice, so they go on beside newer ones: a new table, view or index, or a new column that
 * may be null or has a default. Never changed once released.
 */
export const ADDITIONS: readonly string[] = [PEOPLE, SIGN_IN];

/** The statements that make the tables of the version, without additions. @param schema a checked name */
export function tablesOf(schema: string): string {
  return SCHEMA_1.replaceAll('@.', `${schema}.`);
}

/** From PostgreSQL 15 on, the view shows only the rows that its reader may see. */
export function secureView(schema: string): string {
  return `ALTER VIEW ${schema}.memory SET (security_invoker = true)`;
}
