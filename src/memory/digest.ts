import { hash } from 'node:crypto';
import type { StoreDigests } from './memory.ts';
import {
  canonicalJson,
  compareText,
  contentOf,
  type VersionVector,
  type Dot,
  type MemoryContent,
} from './version.ts';

/**
 * 32 bytes, big-endian: a SHA-256, or a sum of them modulo 2^256. A sum does not depend on the order of its
 * terms, so a store keeps it up to date with one subtraction and one addition per write.
 */
export type HashSum = Uint8Array;

const SIZE = 32;

export function emptySum(): HashSum {
  return new Uint8Array(SIZE);
}

/** Fingerprint of the id and the content of one memory. */
export function contentHash(id: string, content: MemoryContent): HashSum {
  return sha256(canonicalJson({ id, ...contentOf(content) }));
}

/** Fingerprint of the dots of one memory's siblings, in any order. */
export function siblingsHash(id: string, siblings: readonly Dot[]): HashSum {
  const dots = siblings
    .map(({ machine, n }): [string, number] => [machine, n])
    .sort((a, b) => compareText(a[0], b[0]) || a[1] - b[1]);
  return sha256(canonicalJson({ id, dots }));
}

/** (sum + term) mod 2^256. */
export function addHash(sum: HashSum, term: HashSum): HashSum {
  return combine(sum, (index) => byteAt(term, index));
}

/** (sum - term) mod 2^256. */
export function subtractHash(sum: HashSum, term: HashSum): HashSum {
  return combine(sum, (index) => -byteAt(term, index));
}

function combine(sum: HashSum, byteToAdd: (index: number) => number): HashSum {
  const result = emptySum();
  let carry = 0;
  for (let index = SIZE - 1; index >= 0; index -= 1) {
    const value = byteAt(sum, index) + byteToAdd(index) + carry;
    result[index] = value & 0xff;
    carry = value >> 8;
  }
  return result;
}

/**
 * @param sums `content`: sum of `contentHash` over the live memories; `state`: sum of `siblingsHash` over all ids
 * @param clock version vector of the store; part of `stateDigest`, so stores with equal digests include the same writes
 */
export function storeDigests(
  sums: { readonly content: HashSum; readonly state: HashSum },
  clock: VersionVector,
): StoreDigests {
  return {
    clock,
    contentDigest: toHex(sums.content),
    stateDigest: toHex(sha256(canonicalJson({ clock, siblings: toHex(sums.state) }))),
  };
}

function sha256(text: string): HashSum {
  return hash('sha256', text, 'buffer');
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}
