import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { SerialQueue } from '../../util/concurrency.ts';

/** 32 MiB and about 0.2 s of a core for each attempt. */
const COST = { logN: 15, r: 8, p: 3 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const MAX_MEMORY = 256 * 1024 * 1024;

export const SHORTEST_PASSWORD = 12;
export const LONGEST_PASSWORD = 256;

/** One at a time: many logins at once must not take all memory. */
const queue = new SerialQueue();

interface Cost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** @returns the fault of a new password, as the rest of a sentence; undefined without one */
export function passwordProblem(password: string): string | undefined {
  const { length } = Array.from(password);
  if (length < SHORTEST_PASSWORD) return `has ${length} characters; ${SHORTEST_PASSWORD} is the least`;
  if (length > LONGEST_PASSWORD) return `has ${length} characters; ${LONGEST_PASSWORD} is the most`;
  return undefined;
}

/** The password with a salt as one text, which says how it was made: the costs, the salt and the hash behind "scrypt". */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, COST);
  return ['scrypt', COST.logN, COST.r, COST.p, salt.toString('base64url'), hash.toString('base64url')].join(
    '$',
  );
}

/**
 * Takes the same time for a person who does not exist.
 * @param stored null = there is no such person, or no password
 */
export async function isPassword(password: string, stored: string | null): Promise<boolean> {
  const parsed = stored === null ? undefined : parse(stored);
  const { salt, hash, cost } = parsed ?? { salt: NOBODY, hash: NOBODY, cost: COST };
  const derived = await derive(password.slice(0, LONGEST_PASSWORD * 2), salt, cost);
  return parsed !== undefined && hash.length === derived.length && timingSafeEqual(hash, derived);
}

/** True when the text was made with other costs than today's. */
export function needsNewHash(stored: string): boolean {
  const cost = parse(stored)?.cost;
  return cost?.logN !== COST.logN || cost.r !== COST.r || cost.p !== COST.p;
}

const NOBODY = Buffer.alloc(HASH_BYTES);

function parse(stored: string): { salt: Buffer; hash: Buffer; cost: Cost } | undefined {
  const [scheme, logN = '', r = '', p = '', salt = '', hash = ''] = stored.split('$');
  if (scheme !== 'scrypt' || ![logN, r, p].every((number) => /^\d{1,2}$/.test(number))) return undefined;
  return {
    salt: Buffer.from(salt, 'base64url'),
    hash: Buffer.from(hash, 'base64url'),
    cost: { logN: Number(logN), r: Number(r), p: Number(p) },
  };
}

function derive(password: string, salt: Buffer, { logN, r, p }: Cost): Promise<Buffer> {
  // The same characters may be written in several ways.
  const text = password.normalize('NFKC');
  return queue.run(
    () =>
      new Promise<Buffer>((resolve, reject) => {
        scrypt(text, salt, HASH_BYTES, { N: 2 ** logN, r, p, maxmem: MAX_MEMORY }, (error, key) => {
          if (error === null) resolve(key);
          else reject(error);
        });
      }),
  );
}
