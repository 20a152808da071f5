import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importJWK, SignJWT } from 'jose';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Accounts } from '../../../src/auth/embedded/accounts.ts';
import { EmbeddedAuthenticator } from '../../../src/auth/embedded/embedded-authenticator.ts';
import { ACCOUNT_CLAIM } from '../../../src/auth/embedded/provider-settings.ts';
import { SecretSeal } from '../../../src/auth/embedded/secret-seal.ts';
import { KeyRing } from '../../../src/auth/embedded/signing-keys.ts';
import { SqliteAuthStore } from '../../../src/auth/embedded/sqlite-auth-store.ts';

const URL_HERE = 'http://127.0.0.1:8765';

test('people who are signed in go on soon while the store of the accounts is silent', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-silent-'));
  const store = new SqliteAuthStore(folder);
  onTestFinished(async () => {
    vi.useRealTimers();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const accounts = new Accounts(store);
  const { id, version } = await accounts.add('ada', {
    password: 'correct horse battery',
    scope: 'memory:write',
  });
  const keys = new KeyRing(store, new SecretSeal(undefined));
  const [key] = (await keys.current()).signing;
  if (key === undefined) throw new Error('there is no key');
  const token = await new SignJWT({
    [ACCOUNT_CLAIM]: version,
    scope: 'memory:read',
    client_id: 'program',
    jti: 'a',
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: String(key.kid) })
    .setIssuer(URL_HERE)
    .setAudience(URL_HERE)
    .setSubject(id)
    .setIssuedAt()
    .setExpirationTime('15m')
    .sign(await importJWK(key, 'ES256'));
  const authenticator = new EmbeddedAuthenticator(URL_HERE, accounts, keys);
  expect(await authenticator.authenticate(token)).toMatchObject({ person: id });
  vi.spyOn(store, 'account').mockReturnValue(new Promise(() => undefined));
  vi.spyOn(store, 'secrets').mockReturnValue(new Promise(() => undefined));
  // The keys are old enough to be looked at again.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_000 });
  const begun = performance.now();
  expect(await authenticator.authenticate(token)).toMatchObject({ person: id });
  const first = performance.now();
  expect(await authenticator.authenticate(token)).toMatchObject({ person: id });
  expect([first - begun < 8_000, performance.now() - first < 1_500]).toEqual([true, true]);
}, 15_000);
