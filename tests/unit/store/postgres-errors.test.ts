import { expect, test } from 'vitest';
import { toDatabaseError } from '../../../src/store/postgres/postgres-errors.ts';

test.each([
  // As Node.js 20 and Node.js 22 name what the same server answers.
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'sslcert'],
  ['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED', 'sslcert'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'sslcert'],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'sslcert'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'sslmode'],
  ['CERT_HAS_EXPIRED', 'sslrootcert'],
  ['ECONNREFUSED', 'check that PostgreSQL runs'],
])('the advice for %s names what can be corrected', (code, advice) => {
  const failure = toDatabaseError(Object.assign(new Error('broken'), { code }), 'postgres://db/memory');
  expect(failure).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
  expect(failure.fix).toContain(advice);
});
