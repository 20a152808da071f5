import { isAssignedKey, isAssignedPassword } from './assigned-value.ts';
import type { SecretGroups, SecretRule } from './secret-rule.ts';

/** Names of passwords in files, code and several languages. Whatever stands before the name does not matter. */
const PASSWORD_NAME =
  'pass(?:word|wd|phrase|code)|pwd|passwort|kennwort|contraseña|senha|mot de passe|wachtwoord|hasło|пароль|密码|密碼|パスワード|비밀번호';
const KEY_NAME =
  '(?:api|access|auth|account|secret|private|encryption|signing|subscription|license|client|master)[ _.-]?(?:key|token|secret)|apikey|secret|token|credentials?';

const QUOTE = '["\'`]';
/** `password for the router`, `API key (staging)`. */
const DETAIL = String.raw`(?:\s{1,2}(?:for|to|of|on|in|at)\s[^\n:="']{1,40}?|\s?\([^\n()]{1,40}\))?`;
/** `=`, `: `, `" : "`, `>` of a tag. */
const SIGN = String.raw`\s{0,4}(?:=>|:=|={1,3}|[:：>|])(?:\*\*)?\s{0,4}`;
const VERB = String.raw`\s(?:is|was|to|ist|lautet|est|es|é|is\snow|was\sset\sto|is\sset\sto|is\sstill)\s{1,2}`;
const JOIN = String.raw`\d{0,2}(?:\\?["'\x60\])*]){0,3}${DETAIL}(?:${SIGN}|(?<verb>${VERB}))(?:\\?${QUOTE}|\*\*)?`;

/** Up to the closing quote; or a run without white space that stops before the next `name=`, tag or escape. */
const QUOTED = String.raw`(?<=${QUOTE})(?:[^"'\x60\n\\]|\\[^\n"'\x60]){4,200}(?=\\?${QUOTE})`;
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

/** Values that a name says are secret: `password = …`, `"apiKey": "…"`, `the token for CI is …`, `--password …`. */
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
