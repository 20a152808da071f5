import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { BlobStoreReason } from '../../src/errors/remote-errors.ts';
import type { ErrorCode } from '../../src/errors/faiss-memory-error.ts';
import { packagePath } from '../../src/util/package.ts';

/** The compiler insists that none is missing here; the tests, that none is missing on the page. */
const codes: Readonly<Record<ErrorCode, true>> = {
  INVALID_INPUT: true,
  NOT_FOUND: true,
  CONFIGURATION: true,
  SECRET_REJECTED: true,
  STORE_UNAVAILABLE: true,
  STORE_DAMAGED: true,
  STORE_TOO_NEW: true,
  STORE_READ_ONLY: true,
  STORE_FULL: true,
  STORE_BUSY: true,
  VECTOR_INDEX: true,
  EMBEDDING_UNAVAILABLE: true,
  EMBEDDING_REJECTED: true,
  MODEL_DAMAGED: true,
  BLOB_STORE: true,
  REPOSITORY_DAMAGED: true,
  REPOSITORY_TOO_NEW: true,
  OBJECT_MISSING: true,
  WRONG_PASSPHRASE: true,
  MISSING_KEY: true,
  ENCRYPTION_DOWNGRADE: true,
  MACHINE_FORKED: true,
  SNAPSHOT_NOT_FOUND: true,
  SNAPSHOT_AMBIGUOUS: true,
  STATE_CHANGED: true,
  BACKUP_BUSY: true,
  SYNC_OFF: true,
  UNAUTHORIZED: true,
  AUTH_UNAVAILABLE: true,
  FORBIDDEN: true,
  HOST_NOT_ALLOWED: true,
  ORIGIN_NOT_ALLOWED: true,
  RATE_LIMITED: true,
  REQUEST_TOO_LARGE: true,
  UNSUPPORTED_MEDIA_TYPE: true,
  NO_SUCH_ROUTE: true,
  METHOD_NOT_ALLOWED: true,
  TIMED_OUT: true,
  OVERLOADED: true,
  CONFIRMATION_NEEDED: true,
  QUOTA_EXCEEDED: true,
  INSTALL_FAILED: true,
  INTERNAL: true,
};
const reasons: Readonly<Record<BlobStoreReason, true>> = {
  unreachable: true,
  interrupted: true,
  timeout: true,
  tls: true,
  'bad-credentials': true,
  'access-denied': true,
  'no-bucket': true,
  'wrong-region': true,
  'wrong-endpoint': true,
  'clock-skew': true,
  throttled: true,
  'server-error': true,
  conflict: true,
  precondition: true,
  unsupported: true,
  integrity: true,
  'too-large': true,
  full: true,
  archived: true,
  protocol: true,
  misconfigured: true,
  'missing-package': true,
  closed: true,
};

describe('docs/troubleshooting.md', () => {
  const lines = readFileSync(packagePath('docs', 'troubleshooting.md'), 'utf8').split('\n');

  test('has a section for every error code, and for no other', () => {
    const sections = lines.flatMap((line) => /^### ([A-Z_]+)$/.exec(line)?.[1] ?? []);
    expect(sections.toSorted()).toEqual(Object.keys(codes).toSorted());
  });

  test('has a row with cause and remedy for every reason of an object store, and for no other', () => {
    const rows = lines.flatMap((line) => {
      const [, reason, cause = '', remedy = ''] = /^\| `([a-z-]+)` +\| (.*?) +\| (.*?) +\|/.exec(line) ?? [];
      return reason === undefined ? [] : [{ reason, complete: cause !== '' && remedy !== '' }];
    });
    expect(rows.filter(({ complete }) => !complete)).toEqual([]);
    expect(rows.map(({ reason }) => reason).toSorted()).toEqual(Object.keys(reasons).toSorted());
  });
});
