import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import { codeOf, reasonOf } from '../../util/caught.ts';

/** Codes of PostgreSQL, https://www.postgresql.org/docs/current/errcodes-appendix.html. */
const MISSING_TABLE: readonly unknown[] = ['42P01', '3F000'];

/** The tables, or their schema, are not there yet. */
export function isMissingTable(error: unknown): boolean {
  return MISSING_TABLE.includes(codeOf(error));
}

/** Another server, or this one later, may take the write. */
export function isReadOnlyAnswer(error: unknown): boolean {
  return codeOf(error) === '25006';
}

/** The server refused the statement, so it had no effect. Other errors are of the connection. */
export function isAnswer(error: unknown): boolean {
  const code = codeOf(error);
  // Class 57 and 08: the server ended the session, perhaps during the commit.
  return (
    typeof code === 'string' && /^(?:[0-5]|F0|HV|P0|XX)[0-9A-Z]{3,4}$/.test(code) && !/^(57P|08)/.test(code)
  );
}

/** Turns an error of the driver or the server into one of the product's; those stay unchanged. */
export function toDatabaseError(error: unknown, location: string): FaissMemoryError {
  if (error instanceof FaissMemoryError) return error;
  const reason = reasonOf(error);
  const code = codeOf(error);
  const options = { cause: withoutDetails(error) };
  switch (code) {
    case '53100':
      return new FaissMemoryError(
        'STORE_FULL',
        `No space is left on the disk of the database ${location}; this change was not stored`,
        {
          fix: 'Free some disk space there and try again; nothing needs a repair.',
          retryable: true,
          ...options,
        },
      );
    case '25006':
      return new FaissMemoryError('STORE_READ_ONLY', `The database ${location} is read-only`, {
        fix: 'Name the primary server in MEMORY_DATABASE_URL, or all servers with target_session_attrs=read-write.',
        retryable: true,
        ...options,
      });
    case '28P01':
      return refused(
        `The database ${location} refused the user or the password`,
        'Correct MEMORY_DATABASE_URL: user, password, or sslcert where the server wants a certificate of its user.',
        error,
      );
    case '28000':
      return refused(`The database ${location} refused the connection: ${reason}`, entryFix(reason), error);
    case '42P01':
    case '3F000':
      return refused(
        `The tables of faiss-memory are not in the database ${location} any more: ${reason}`,
        'Restore them from a backup of the database. To begin anew, restart the servers with empty data folders.',
        error,
      );
    case '3D000':
      return refused(`There is no database ${location}`, 'Create it, or correct MEMORY_DATABASE_URL.', error);
    case '42501':
      return refused(
        `The user of the database ${location} lacks a permission: ${reason}`,
        'Give it the permissions of docs/team.md, or start once as the owner of the tables.',
        error,
      );
    default:
      return isAnswer(error) && !isTooBusy(code)
        ? new FaissMemoryError('INTERNAL', `Unexpected error of the database ${location}: ${reason}`, options)
        : unreachable(location, reason, error);
  }
}

/** The server says the same for each rule of `pg_hba.conf` that is not fulfilled. */
function entryFix(reason: string): string {
  if (/client certificate|certificate authentication/.test(reason))
    return 'Name a certificate of this user with sslcert and its key with sslkey in MEMORY_DATABASE_URL.';
  return /no encryption|SSL off/.test(reason)
    ? 'If the server takes connections with TLS only, write sslmode=verify-full in MEMORY_DATABASE_URL; else allow this one in its pg_hba.conf.'
    : 'Correct MEMORY_DATABASE_URL, or allow this connection in pg_hba.conf of the server.';
}

/** Too many connections, out of memory, a lock or a statement that took too long, a lost race between transactions. */
function isTooBusy(code: unknown): boolean {
  return typeof code === 'string' && /^(53|40|55P03|57014|25P0[34])/.test(code);
}

/** Codes of Node.js for a certificate that it does not trust, and the words of the driver for a server without TLS. */
const DISTRUST = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY))/;
const NO_TLS = /does not support SSL|establishing an SSL/;
const USUAL_FIX =
  'Try again in a moment. If it stays so, check that PostgreSQL runs and that MEMORY_DATABASE_URL is right.';
const TLS_FIX =
  'Correct sslmode, sslrootcert (the authority that signed the certificate of the server), or the name of the host in MEMORY_DATABASE_URL; or renew the certificate.';
/** The server ended the handshake. OpenSSL names the same alert `SSLV3_ALERT_…`, and from 3.5 on `SSL/TLS_ALERT_…`. */
const ALERT = /^ERR_SSL_.+_ALERT_/;
const ALERT_FIX =
  'Correct sslcert and sslkey in MEMORY_DATABASE_URL: a valid certificate of an authority that the server trusts.';

export function unreachable(location: string, reason: string, cause?: unknown): StoreUnavailableError {
  return new StoreUnavailableError(`The database ${location} cannot be reached: ${reason}`, {
    fix: fixOf(cause),
    retryable: true,
    cause: withoutDetails(cause),
  });
}

function fixOf(error: unknown): string {
  const code = codeOf(error);
  if (typeof code === 'string' && ALERT.test(code)) return ALERT_FIX;
  const aboutTls = (typeof code === 'string' && DISTRUST.test(code)) || NO_TLS.test(reasonOf(error));
  return aboutTls ? TLS_FIX : USUAL_FIX;
}

/** Correct settings help, and nothing else. */
export function refused(message: string, fix: string, cause?: unknown): StoreUnavailableError {
  return new StoreUnavailableError(message, { fix, cause: withoutDetails(cause) });
}

/** The driver's errors can quote rows (`detail`, `where`), and logs must not have the texts of memories. */
function withoutDetails(error: unknown): Error | undefined {
  return error === undefined ? undefined : Object.assign(new Error(reasonOf(error)), { code: codeOf(error) });
}
