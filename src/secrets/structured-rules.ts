import { isAssignedKey, isWordy } from './assignment-rules.ts';
import { bitsPerCharacter, isPlaceholder, type SecretRule } from './secret-rule.ts';

const KEY_LINE = String.raw`(?:\\[nr]|\s){1,8}(?:[A-Za-z0-9+/=]{16,}|(?:Proc-Type|DEK-Info|Comment|Version): [^\n]{0,200})`;
const PRIVATE_KEY = new RegExp(
  String.raw`-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:` +
    String.raw`[^-]*(?:-(?!----)[^-]*)*-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----` +
    `|(?:${KEY_LINE})+)`,
  'g',
);

/** Secrets that are recognised by their surroundings or their structure. */
export const structuredRules: readonly SecretRule[] = [
  { kind: 'private key', pattern: PRIVATE_KEY, accept: (secret) => /[A-Za-z0-9+/=\\\s]{40}/.test(secret) },
  {
    kind: 'private key',
    pattern: /(?<lead>Private-Lines: \d{1,4})(?:\s{1,2}(?!Private-)[A-Za-z0-9+/=]{2,80}){1,400}/g,
    accept: () => true,
  },
  {
    kind: 'JSON web token',
    pattern:
      /eyJ(?<=(?:(?<![A-Za-z0-9_-])|\\[nrt]|%[0-9A-F]{2})eyJ)[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){2,4}/g,
    accept: hasTokenHeader,
  },
  {
    kind: 'password in URL',
    pattern: /(?<lead>:\/\/[^\s/:@"'<>]{0,128}:)[^\s/"'<>]{4,1000}(?=@[\w.[{$%-])/g,
    accept: isUrlPassword,
  },
  {
    kind: 'Azure key',
    pattern: /(?<lead>\b(?:AccountKey|SharedAccessKey|AccessKey)=)[A-Za-z0-9+/]{40,}={0,2}/gi,
    accept: (secret) => !isPlaceholder(secret),
  },
  {
    kind: 'Azure key',
    pattern: /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9+/=])/g,
    context: /azure|storage|account|cosmos|blob/i,
    accept: (secret) => !isPlaceholder(secret) && bitsPerCharacter(secret) > 4.5,
  },
  {
    kind: 'signature of a signed URL',
    pattern: /(?<lead>[?&;](?:amp;)?(?:sig|X-Amz-Signature|X-Goog-Signature)=)[A-Za-z0-9%+/_-]{40,}={0,2}/gi,
    accept: (secret) => !isPlaceholder(secret),
  },
  {
    kind: 'AWS secret key',
    pattern: /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=])/g,
    context: /aws|AKIA|ASIA|secret.?access|access.?key/i,
    accept: isAwsSecret,
  },
  {
    kind: 'authorization header',
    pattern: /(?<lead>\b(?:Bearer|Basic)\s["']?)[A-Za-z0-9._~+/-]{16,}={0,2}/gi,
    accept: isAssignedKey,
  },
  {
    kind: 'authorization header',
    pattern:
      /(?<lead>Authorization["']?\s{0,2}[:=]\s{0,2}["']?(?:Basic|Bearer|Token)\s)[A-Za-z0-9._~+/-]{8,}={0,2}/gi,
    accept: (secret) => !isPlaceholder(secret) && bitsPerCharacter(secret) > 2.5 && /[A-Z\d]/.test(secret),
  },
];

function hasTokenHeader(secret: string): boolean {
  try {
    const header: unknown = JSON.parse(Buffer.from(secret.split('.')[0] ?? '', 'base64url').toString('utf8'));
    return typeof header === 'object' && header !== null && ('alg' in header || 'enc' in header);
  } catch {
    return false;
  }
}

const WEAK =
  /^(?:pass(?:word|wd)?|pwd|pw|secret|token|user(?:name)?|admin|root|test|guest|x+|\*+|[1-9]+|#+)$/i;

/** False for examples and local defaults: `user:password@`, `postgres:postgres@`, `user:$PASSWORD@`. */
function isUrlPassword(secret: string, groups: Readonly<Record<string, string | undefined>>): boolean {
  const user = (groups['lead'] ?? '').slice('://'.length, -1);
  if (secret === user || isPlaceholder(secret) || WEAK.test(secret)) return false;
  return !/^(?:\$\{|\$(?:[a-z_]+|[A-Z_]+)$|\{|\[|%[({s]|<|:)/.test(secret);
}

function isAwsSecret(secret: string): boolean {
  if (isPlaceholder(secret) || !/[a-z]/.test(secret) || !/[A-Z]/.test(secret) || !/\d/.test(secret))
    return false;
  return bitsPerCharacter(secret) >= 4.2 && !isWordy(secret);
}
