import { randomBytes, timingSafeEqual } from 'node:crypto';
import { type Authenticator, withIncluded } from '../auth/principal.ts';
import { RequestRefusedError } from '../errors/input-errors.ts';
import { secretDigest } from '../util/secret-string.ts';
import type { PeopleStore, TokenFacts } from './people-store.ts';

/** `fm_`, ten letters that name the token, and 256 random bits. */
const TOKEN = /^(fm_[a-z0-9]{10})_[A-Za-z0-9_-]{43}$/;
const SECRET_BYTES = 32;
const NAME_BYTES = 8;

/** A new secret. Only its hash is kept. */
export interface NewSecret {
  /** Names it in lists; empty for an invitation. */
  readonly id: string;
  /** To show once. */
  readonly text: string;
  readonly hash: Uint8Array;
}

export function newToken(): NewSecret {
  const id = `fm_${BigInt(`0x${randomBytes(NAME_BYTES).toString('hex')}`)
    .toString(36)
    .padStart(10, '0')
    .slice(-10)}`;
  const text = `${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { id, text, hash: secretDigest(text) };
}

export function newInvitation(): NewSecret {
  const text = randomBytes(SECRET_BYTES).toString('base64url');
  return { id: '', text, hash: secretDigest(text) };
}

/** Knows the tokens that people made for themselves. A token that was revoked is refused from the next request on. */
export function personalTokens(store: PeopleStore, now: () => number): Authenticator {
  return {
    async authenticate(credential) {
      const id = TOKEN.exec(credential)?.[1];
      if (id === undefined) return null;
      const token = await store.token(id);
      if (token === null || !timingSafeEqual(token.hash, secretDigest(credential)))
        throw refused('is not known');
      const { person, scope, expires } = token.facts;
      if (expires !== null && expires <= now()) throw refused('has expired');
      const owner = await store.person(person);
      if (owner === null) throw refused('is not known');
      noteUse(store, token.facts, now());
      return { person, name: owner.name, scopes: withIncluded([`memory:${scope}`]), groups: [] };
    },
  };
}

/** At most once a day and token. The request does not wait for it, and is not refused when it fails. */
function noteUse(store: PeopleStore, { id, lastUsed }: TokenFacts, now: number): void {
  const today = new Date(now).toISOString().slice(0, 10);
  if (lastUsed !== today) store.noteUse(id, today).catch(() => undefined);
}

function refused(problem: string): RequestRefusedError {
  return new RequestRefusedError('UNAUTHORIZED', `The personal token ${problem}`, {
    fix: 'Make another one: POST /tokens, or "faiss-memory token create <person>" on the machine of the server.',
    headers: { 'WWW-Authenticate': 'Bearer realm="faiss-memory", error="invalid_token"' },
  });
}
