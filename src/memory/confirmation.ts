import { createHash } from 'node:crypto';
import { canonicalJson } from './version.ts';

const LENGTH = 16;

/**
 * The token that a dry run returns and that confirms it: a hash of the facts on which it rests. It becomes invalid when
 * they change, and no process has to store it.
 * @param facts values of JSON
 */
export function confirmationToken(facts: readonly unknown[]): string {
  return createHash('sha256').update(canonicalJson(facts)).digest('hex').slice(0, LENGTH);
}
