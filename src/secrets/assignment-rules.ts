import { bitsPerCharacter, isPlaceholder, type SecretGroups, type SecretRule } from './secret-rule.ts';

/** True for a value after `api_key = ` that could be a key: long, with many different characters, not code or words. */
export function isAssignedKey(value: string): boolean {
  if (value.length < 16 || isPlaceholder(value) || isReference(value)) return false;
  if (!/^[\w+/=.~:!@#$%^&*|-]+$/.test(value) || /0?12345678|abcdefgh/i.test(value)) return false;
  return /\d/.test(value) && /[A-Za-z]/.test(value) && bitsPerCharacter(value) >= 3 && !isWordy(value);
}

export interface PasswordContext {
  /** True after a verb, as in `password is …`, where ordinary words follow more often than a password. */
  readonly prose: boolean;
}

/** True for a value after `password: ` that could be a password. Passwords of letters only look like words: false. */
function isAssignedPassword(value: string, context: PasswordContext): boolean {
  if (/\s/.test(value)) return isPassphrase(value, context);
  if (value.length < 6 || isPlaceholder(value) || isTemplate(value) || isReference(value)) return false;
  if (/^\d+$/.test(value)) return isNumericCode(value);
  if (!/\p{L}/u.test(value)) return false;
  if (isMeasure(value) || isTechnology(value)) return false;
  const mixesCase = /\p{Ll}/u.test(value) && /\p{Lu}/u.test(value);
  if (/\d/.test(value)) return !context.prose || mixesCase || !/[-/.:]/.test(value);
  const marked = value.length >= 8 && /[\p{L}\p{N}][!@#$%^*~]{1,9}[\p{L}\p{N}]/u.test(value);
  return marked && (mixesCase || !context.prose);
}

function isPassphrase(value: string, context: PasswordContext): boolean {
  const words = value.split(/\s+/);
  return words.length <= 6 && words.some((word) => word.length >= 8 && isAssignedPassword(word, context));
}

/** True for a code of 6 to 12 digits that is neither a date nor a keyboard row. */
function isNumericCode(value: string): boolean {
  if (value.length > 12 || new Set(value).size < 4) return false;
  return !/^(?:19|20)\d\d[01]\d[0-3]\d/.test(value) && !/12345|98765|54321/.test(value);
}

/** True for `<password>`, `${PASSWORD}`, `{{ password }}`, `%s`, `[masked …]`. */
function isTemplate(value: string): boolean {
  return /^(?:<|\[|\{|%[({sd]|\$[({A-Z_]|\*\*|@\{|#\{)|\$\{|\{\{/.test(value);
}

/** True for `process.env.TOKEN`, `get_token()`, `/run/secrets/token`, `op://vault/token`, `arn:aws:…`, `2026-01-31T…`, `a@b.org`. */
function isReference(value: string): boolean {
  return (
    isTemplate(value) ||
    /\w\(|\(\)|=>|\w\[['"\w]/.test(value) ||
    /^(?:\.{0,2}|~|[A-Za-z]:)[\\/][\w.-]{2}/.test(value) ||
    /^(?:[a-z][a-z0-9+.-]{1,20}:\/\/|arn:|urn:|env:|file:|sha\d+:|vault:|ssm:)/i.test(value) ||
    /^[A-Za-z_$][\w$]{0,24}(?:\??\.[A-Za-z_$][\w$]{0,24})+$/.test(value) ||
    /^\d{4}-\d{2}-\d{2}(?:\D|$)/.test(value) ||
    /^[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+$/.test(value)
  );
}

/** True for letters that are grouped like words and numbers: `refresh-token-rotation-2`, `MY_SERVICE_TOKEN_V2`, `Sha256Digest`. */
export function isWordy(value: string): boolean {
  const parts = value.split(/[\W_]+|(?<=[a-z\d])(?=[A-Z])/).filter((part) => part !== '');
  const letters = parts.reduce((sum, part) => sum + part.replace(/\d/g, '').length, 0);
  return letters / parts.length >= 3 && parts.every((part) => isWord(part) || isTechnology(part));
}

/** True for a word in one case. Six consonants in a row are not a word. */
function isWord(part: string): boolean {
  return /^(?:[A-Z]?[a-z]+|[A-Z]+|\d{1,4})?\d{0,4}$/.test(part) && !/[bcdfghjklmnpqrstvwxz]{6}/i.test(part);
}

/** True for `8-12`, `30days`, `2fa`, `v1.2.3`, `12:30pm`, `16GiB`. */
function isMeasure(value: string): boolean {
  const unit =
    '(?:[a-z]{1,4}|[KMGT]i?B|days|hours|minutes|weeks|months|years|bytes|digits|characters|letters)?';
  return new RegExp(`^[vV<>=~]{0,2}\\d[\\d.,:/x+-]*${unit}$`).test(value) && !/\d{6}/.test(value);
}

const TECHNOLOGY =
  /^(?:sha|md|aes|rsa|utf|iso|rfc|base|bcrypt|argon|pbkdf|scrypt|oauth|http|tls|web|es|ed|hs|rs|ps|p|x|k|s|ec|i|h|log|python|node|java|sql|windows|win|ubuntu)[-_]?\d{1,5}(?:$|[-_/.]|[a-z]{1,3}(?:$|[-_/]))/i;

/** True for `SHA-256`, `base64-encoded`, `argon2id`, `k8s-managed`, `OAuth2`, `1Password`. */
function isTechnology(value: string): boolean {
  return (
    /^1password/i.test(value) || (TECHNOLOGY.test(value) && !/[!@#$%^&*?~+=|]|\d.*\d.*\d.*\d.*\d/.test(value))
  );
}

/** Names of passwords in files, in code and in several languages. A prefix before the name is allowed. */
const PASSWORD_NAME =
  'pass(?:word|wd|phrase|code)|pwd|passwort|kennwort|contraseña|senha|mot de passe|wachtwoord|hasło|пароль|密码|密碼|パスワード|비밀번호';
const KEY_NAME =
  '(?:api|access|auth|account|secret|private|encryption|signing|subscription|license|client|master)[ _.-]?(?:key|token|secret)|apikey|secret|token|credentials?';

const QUOTE = '["\'`]';
/** An addition to the name, as in `password for the router`, `API key (staging)`. */
const DETAIL = String.raw`(?:\s{1,2}(?:for|to|of|on|in|at)\s[^\n:="']{1,40}?|\s?\([^\n()]{1,40}\))?`;
/** The sign between name and value: `=`, `: `, `" : "`, `>` of a tag. */
const SIGN = String.raw`\s{0,4}(?:=>|:=|={1,3}|[:\uff1a>|])(?:\*\*)?\s{0,4}`;
const VERB = String.raw`\s(?:is|was|to|ist|lautet|est|es|\u00e9|is\snow|was\sset\sto|is\sset\sto|is\sstill)\s{1,2}`;
const JOIN = String.raw`\d{0,2}(?:\\?["'\x60\])*]){0,3}${DETAIL}(?:${SIGN}|(?<verb>${VERB}))(?:\\?${QUOTE}|\*\*)?`;

/** A value in quotes, up to the closing quote. */
const QUOTED = String.raw`(?<=${QUOTE})(?:[^"'\x60\n\\]|\\[^\n"'\x60]){4,200}(?=\\?${QUOTE})`;
/** One character of an unquoted value, which ends at white space and before the next `name=`, tag or escape. */
const PIECE = String.raw`(?:[^\s"'\x60<,;&\\]|<(?!/)|[,;&](?![\w -]{1,40}[=:])|["'\x60](?=[\p{L}\p{N}])|\\(?!["'\x60nrt]))`;

function assigned(
  kind: string,
  name: string,
  isReal: (value: string, groups: SecretGroups) => boolean,
): SecretRule {
  return {
    kind,
    pattern: new RegExp(`(?<lead>(?:${name})${JOIN})(?:${QUOTED}|${PIECE}{4,200})`, 'giu'),
    accept: (secret, groups) => isReal(secret.replace(/[.,;:)\]}>*]+$/, ''), groups),
    rest: new RegExp(`${PIECE}*`, 'uy'),
  };
}

function isPassword(value: string, groups: SecretGroups): boolean {
  return isAssignedPassword(value, { prose: groups['verb'] !== undefined });
}

/** Values whose name says that they are secret: `password = …`, `"apiKey": "…"`, `the token for CI is …`, `--password …`. */
export const assignmentRules: readonly SecretRule[] = [
  assigned('password', PASSWORD_NAME, isPassword),
  assigned('API key or token', KEY_NAME, isAssignedKey),
  {
    kind: 'password',
    pattern: /(?<lead>--[\w-]{0,30}(?:password|passwd|passphrase|pwd|pass)[ =]["']?)[^\s"']{6,200}/gi,
    accept: (secret) => isAssignedPassword(secret, { prose: false }),
    rest: /[^\s"']*/y,
  },
  {
    kind: 'API key or token',
    pattern: /(?<lead>--[\w-]{0,30}(?:token|secret|key)[ =]["']?)[^\s"']{16,400}/gi,
    accept: isAssignedKey,
    rest: /[^\s"']*/y,
  },
  {
    kind: 'password',
    pattern: /(?<lead>\s(?:-u|--user)[ =]["']?[^\s:"']{1,80}:)[^\s"']{4,200}/g,
    accept: (secret) => isAssignedPassword(secret, { prose: false }),
    rest: /[^\s"']*/y,
  },
];
