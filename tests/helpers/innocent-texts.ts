import { createHash } from 'node:crypto';
import { glue, seededRandomness } from './secret-samples.ts';

const HEX = '0123456789abcdef';
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** What people and programs write about secrets without telling one. */
const ABOUT_SECRETS: readonly string[] = [
  'The password must be at least 12 characters and contain 1 digit.',
  'Passwords are hashed with bcrypt, tokens with SHA-256.',
  'I forgot my password again, so I reset it yesterday.',
  'The password is stored in 1Password under "Router".',
  'The password is base64-encoded before it is sent.',
  'password: required, 8-64 characters',
  'Password: ********',
  'password = <your password>',
  'password=${DB_PASSWORD}',
  'password: "{{ vault_db_password }}"',
  'const password = process.env.DB_PASSWORD;',
  'const token = await getToken(user);',
  'let secret = config.get("session.secret");',
  'type Login = { user: string; password: string; token?: string };',
  '<input type="password" name="password" placeholder="Password">',
  'api_key: your-api-key-here',
  'OPENAI_API_KEY=sk-...',
  'Set ANTHROPIC_API_KEY to your key; it starts with sk-ant- and is found in the console.',
  'Use a token such as ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.',
  'The example key is AKIAIOSFODNN7EXAMPLE.',
  'The access token expires after 3600 seconds; the refresh token after 30 days.',
  'max_tokens: 4096, token_count=18234',
  'The token is valid until 2026-12-31T23:59:59Z.',
  'Authorization: Bearer <token>',
  'Authorization: Bearer $TOKEN',
  'curl -u user:password https://example.org',
  'postgres://user:password@localhost:5432/db',
  'postgres://postgres:postgres@localhost/postgres',
  'mongodb+srv://app:${PASSWORD}@cluster0.example.net',
  'ssh://git@github.com:22/team/repo.git',
  'http://localhost:3000/@scope/package',
  '-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----',
  'The file starts with -----BEGIN RSA PRIVATE KEY----- and is 1.7 kB.',
  '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----',
  'secret: projects/shop/secrets/db-password/versions/3',
  'secretKeyRef: { name: shop-db, key: password }',
  'The secret ingredient is cinnamon2go.',
  'Her password hint was the name of her first dog.',
  'csrf_token = form.data["csrf_token"]',
  'tokenizer = AutoTokenizer.from_pretrained("intfloat/e5-small-v2")',
  'credentials: "include"',
  'credentials=service_account.Credentials.from_service_account_file(path)',
  'The server IP is 10.0.0.5, the router 192.168.178.1.',
  'sk-learn and task-management-with-very-long-names are fine.',
  'api-key rotation: every 90 days, see docs/security/api-key-rotation.md',
  'Client secret: ask Ann, never in the wiki.',
  'Passwort: siehe Tresor',
  'パスワードは金庫にあります',
  'The account key was changed on 2026-01-31 by Ann.',
  'Token: see https://vault.example.org/ui/secrets/token',
  'Use op://Private/GitHub/token as the reference.',
  'password reset to be done by 12:30pm',
  'pass: 12 of 14 tests; password2 field is optional',
];

/** Random-looking values that are no credentials. */
export function innocentValues(seed: number, rounds: number): string[] {
  const random = seededRandomness(seed);
  const round = (): string[] => {
    const bytes = Buffer.from(random.draw(BASE64, 64));
    const digest = (name: string): string => createHash(name).update(bytes).digest('hex');
    const uuid = [8, 4, 4, 4, 12].map((length) => random.draw(HEX, length)).join('-');
    return [
      `The request id was ${uuid}.`,
      `Fixed in commit ${digest('sha1')}, released the same day.`,
      `git cherry-pick ${digest('sha1').slice(0, 9)}`,
      `sha256:${digest('sha256')}`,
      `"integrity": "sha512-${createHash('sha512').update(bytes).digest('base64')}"`,
      `<img src="data:image/png;base64,iVBORw0KGgo${random.draw(BASE64, 400)}==">`,
      `etag: "${digest('md5')}"`,
      `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${random.draw(BASE64, 43)} ann@laptop`,
      `https://www.example.org/watch?v=${random.draw(BASE64, 11)}&list=PL${random.draw(HEX, 32)}`,
      `docker pull registry.example.org/app@sha256:${digest('sha256')}`,
      `arn:aws:iam::${random.draw('123456789', 12)}:role/deploy`,
      `${glue('pk_·live_')}${random.draw(HEX, 24)} is the publishable key.`,
      `trace ${random.draw(HEX, 32)}-${random.draw(HEX, 16)}-01`,
    ];
  };
  return Array.from({ length: rounds }, round).flat();
}

/** All innocent texts: fixed ones and generated ones. */
export function innocentTexts(seed: number, rounds: number): string[] {
  return [...ABOUT_SECRETS, ...innocentValues(seed, rounds)];
}
