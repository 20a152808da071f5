import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import type { AuthStore } from './auth-store.ts';

const KIND = 'signing';
/** The signature of access tokens. */
export const ALGORITHM = 'ES256';
/** As long as a token lives, and the clients of the key set keep it. */
const KEEP_MS = 86_400_000;

/**
 * The private keys that sign access tokens, the one in use first. The first one is made at the first start. Replaced
 * ones stay for a day, so that tokens count until they expire.
 */
export function signingKeys(store: AuthStore): readonly JWK[] {
  return store.transaction(() => {
    if (store.secrets(KIND).length === 0) addKey(store);
    const [newest, ...others] = store.secrets(KIND);
    const replacedAt = newest?.createdAt ?? 0;
    for (const old of others) if (Date.now() - replacedAt > KEEP_MS) store.removeSecret(old.id);
    return store.secrets(KIND).map(({ content }) => JSON.parse(content) as JWK);
  });
}

/** Makes a new key for all tokens from the next start of the server on. */
export function rotateSigningKey(store: AuthStore): void {
  store.transaction(() => {
    addKey(store);
  });
}

function addKey(store: AuthStore): void {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const id = randomBytes(8).toString('hex');
  const key = { ...privateKey.export({ format: 'jwk' }), kid: id, alg: ALGORITHM, use: 'sig' };
  // Never at the same time as another one, so that the order is certain.
  const newest = store.secrets(KIND)[0]?.createdAt ?? 0;
  const createdAt = Math.max(Date.now(), newest + 1);
  store.addSecret(KIND, { id, content: JSON.stringify(key), createdAt });
}
