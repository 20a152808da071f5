import { describe, expect, test } from 'vitest';
import { safeText } from '../../../src/blob/failure.ts';
import { s3Error } from '../../../src/blob/s3/s3-errors.ts';
import type { BlobStoreError } from '../../../src/errors/remote-errors.ts';

const secret = 'wJalrXUtnFEMI/K7MDENG';

/** An error shaped as the SDK raises it. */
function sdkError(name: string, status: number | undefined, more: object = {}): Error {
  const metadata = status === undefined ? {} : { $metadata: { httpStatusCode: status } };
  return Object.assign(new Error(`${name} said so`), { name, ...metadata, ...more });
}

function translate(error: unknown, operation: 'put' | 'get' = 'get', timedOut = false): BlobStoreError {
  return s3Error(error, {
    operation,
    location: 's3://b/',
    key: 'k',
    timedOut,
    secrets: [secret, undefined, ''],
  });
}

describe('s3Error', () => {
  test.each([
    ['NoSuchBucket', 404, 'no-bucket', false],
    ['InvalidAccessKeyId', 403, 'bad-credentials', false],
    ['SignatureDoesNotMatch', 403, 'bad-credentials', false],
    ['ExpiredToken', 400, 'bad-credentials', false],
    ['AccessDenied', 403, 'access-denied', false],
    ['RequestTimeTooSkewed', 403, 'clock-skew', true],
    ['SlowDown', 503, 'throttled', true],
    ['TooManyRequests', 429, 'throttled', true],
    ['InternalError', 500, 'server-error', true],
    ['RequestTimeout', 400, 'timeout', true],
    ['BadDigest', 400, 'integrity', true],
    ['EntityTooLarge', 400, 'too-large', false],
    ['PreconditionFailed', 412, 'precondition', false],
    ['ConditionalRequestConflict', 409, 'conflict', true],
    ['NotImplemented', 501, 'unsupported', false],
    ['InvalidObjectState', 403, 'archived', false],
    ['XMinioStorageFull', 507, 'full', false],
    ['SomethingNew', 418, 'protocol', false],
  ])('%s (HTTP %i) is %s, retryable: %s', (name, status, reason, retryable) => {
    expect(translate(sdkError(name, status))).toMatchObject({
      reason,
      retryable,
      status,
      providerCode: name,
      key: 'k',
    });
  });

  test.each([
    ['ECONNREFUSED', 'unreachable', true, false],
    ['ENOTFOUND', 'unreachable', true, false],
    ['ECONNRESET', 'interrupted', true, true],
    ['EPIPE', 'interrupted', true, true],
    ['ETIMEDOUT', 'timeout', true, true],
    ['CERT_HAS_EXPIRED', 'tls', false, false],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls', false, false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls', false, false],
    ['EPROTO', 'tls', false, false],
    ['HPE_INVALID_CONSTANT', 'protocol', true, true],
  ])('%s is %s, retryable: %s, maybe applied: %s', (code, reason, retryable, maybeApplied) => {
    const error = Object.assign(new Error('network'), { code });
    expect(translate(error, 'put')).toMatchObject({ reason, retryable, maybeApplied, providerCode: code });
    expect(translate(new Error('outer', { cause: error }), 'put')).toMatchObject({ reason, maybeApplied });
    expect(translate(new AggregateError([error]), 'put')).toMatchObject({ reason });
    expect(translate(error, 'get').maybeApplied).toBe(false);
  });

  test('knows that a server error may have come after the write', () => {
    expect(translate(sdkError('InternalError', 500), 'put').maybeApplied).toBe(true);
    expect(translate(sdkError('AccessDenied', 403), 'put').maybeApplied).toBe(false);
  });

  test('names the region of the bucket, from wherever the store says it', () => {
    const inBody = sdkError('AuthorizationHeaderMalformed', 400, { Region: 'eu-west-3' });
    const inHeader = sdkError('PermanentRedirect', 301, {
      $response: { headers: { 'x-amz-bucket-region': 'ap-south-2' } },
    });
    expect(translate(inBody)).toMatchObject({ reason: 'wrong-region', fix: 'Set the region to eu-west-3.' });
    expect(translate(inHeader)).toMatchObject({
      reason: 'wrong-region',
      fix: 'Set the region to ap-south-2.',
    });
    expect(translate(sdkError('AuthorizationHeaderMalformed', 400)).reason).toBe('bad-credentials');
  });

  test('says which setting is missing when nothing was sent', () => {
    expect(translate(new Error('Region is missing'))).toMatchObject({
      reason: 'misconfigured',
      fix: 'Set the region.',
    });
    const none = Object.assign(new Error('Could not load credentials from any providers'), {
      name: 'CredentialsProviderError',
    });
    expect(translate(none)).toMatchObject({ reason: 'bad-credentials', maybeApplied: false });
  });

  test('takes time for the reason when time ran out, whatever the error looks like', () => {
    expect(translate(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }), 'put', true)).toMatchObject(
      {
        reason: 'timeout',
        retryable: true,
        maybeApplied: true,
      },
    );
  });

  test('keeps neither secrets nor the SDK’s error with its signed headers', () => {
    const request = { headers: { authorization: `AWS4 ${secret}` } };
    const error = translate(
      sdkError('Odd', 400, { message: `secret ${secret} \u001b[2J\n here`, $response: request }),
    );
    expect(JSON.stringify(error) + String(error.stack) + String(error.cause)).not.toContain(secret);
    expect(error.message).not.toMatch(/[\u001b\n]/);
  });
});

test('safeText cuts what is long and hides every secret', () => {
  expect(safeText(`a ${secret} b ${secret}`, [secret])).toBe('a *** b ***');
  expect(safeText('x'.repeat(1000), [])).toHaveLength(300);
});
