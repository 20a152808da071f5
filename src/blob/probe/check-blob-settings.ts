import type { BlobSettings, S3BlobSettings } from '../blob-settings.ts';
import { unlessBlank } from '../arguments.ts';
import type { ProbeFinding } from './probe-finding.ts';

/** Finds common mistakes in the settings without a request to the store. Opening the store reports invalid settings. */
export function checkBlobSettings(settings: BlobSettings): ProbeFinding[] {
  if (settings.provider === 'folder') return [];
  return [
    ...checkBucketName(settings.bucket),
    ...(settings.provider === 's3' ? checkEndpoint(settings) : []),
    ...(settings.provider === 's3' ? checkKeys(settings) : []),
    ...checkEncryption(unlessBlank(settings.endpoint)),
  ];
}

function problem(check: ProbeFinding['check'], message: string, fix: string): ProbeFinding {
  return { check, level: 'problem', message, fix };
}

function checkBucketName(bucket: string): ProbeFinding[] {
  const name = bucket.trim();
  if (name.includes('://')) {
    return [
      problem(
        'bucket',
        'The bucket is written as an address.',
        'Set only its name, without s3:// or https://.',
      ),
    ];
  }
  if (name.includes('/')) {
    return [
      problem(
        'bucket',
        'The bucket contains a slash.',
        'Set only its name as the bucket, and the rest as the prefix.',
      ),
    ];
  }
  return [];
}

function checkEndpoint(settings: S3BlobSettings): ProbeFinding[] {
  const endpoint = unlessBlank(settings.endpoint);
  if (endpoint === undefined) return [];
  const text = endpoint.includes('://') ? endpoint : `https://${endpoint}`;
  if (!URL.canParse(text)) return [];
  const { host, pathname, protocol } = new URL(text);
  const service = `${protocol}//${host}`;
  const bucket = settings.bucket.trim();
  if (pathname.replaceAll('/', '') === bucket && bucket !== '') {
    return [problem('endpoint', 'The endpoint contains the bucket.', `Set the endpoint to ${service}.`)];
  }
  if (pathname !== '/') {
    return [
      problem('endpoint', `The endpoint contains the path ${pathname}.`, `Set the endpoint to ${service}.`),
    ];
  }
  if (host.startsWith(`${bucket}.`) && bucket !== '') {
    const fix = `Set the endpoint to ${protocol}//${host.slice(bucket.length + 1)}.`;
    return [problem('endpoint', 'The host name of the endpoint begins with the bucket.', fix)];
  }
  return [];
}

function checkKeys(settings: S3BlobSettings): ProbeFinding[] {
  const access = unlessBlank(settings.accessKey) ?? '';
  const secret = unlessBlank(settings.secretKey) ?? '';
  if (/^(?:AKIA|ASIA)[A-Z0-9]{16}$/.test(secret) && access.length > 30) {
    return [problem('credentials', 'The access key and the secret key are swapped.', 'Swap the two keys.')];
  }
  if (/^["'].*["']$/.test(access) || /^["'].*["']$/.test(secret)) {
    return [
      problem('credentials', 'A key is set with quotation marks around it.', 'Remove the quotation marks.'),
    ];
  }
  if (/^ASIA/.test(access) && unlessBlank(settings.sessionToken) === undefined) {
    const fix =
      'Set the session token too, use a permanent key, or leave both keys empty to use the keys and token of the AWS tools.';
    return [problem('credentials', 'The access key is temporary, but its session token is not set.', fix)];
  }
  return [];
}

function checkEncryption(endpoint: string | undefined): ProbeFinding[] {
  if (endpoint?.startsWith('http:') !== true || !URL.canParse(endpoint)) return [];
  const { hostname } = new URL(endpoint);
  if (/^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)) return [];
  return [
    {
      check: 'endpoint',
      level: 'warning',
      message: 'The connection is not encrypted: others on the network can read the backups.',
      fix: 'Use an https endpoint, or set a passphrase.',
    },
  ];
}
