/**
 * Tables of the authorization server. `@.` stands for the schema.
 *
 * sign_in_account: `password` is a hash with its salt; `invitation` the digest of one. `created_at` is milliseconds since
 *   the epoch, `valid_from` seconds.
 * sign_in_entry: grants, sessions and clients. `key` is a digest where the id is a secret of its own.
 * sign_in_secret: keys that sign, the newest with the highest `place` of its kind.
 * sign_in_attempt: logins and registrations in a window of time; `key` is a digest.
 */
export const SIGN_IN_TABLES = `
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
