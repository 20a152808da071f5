/** What a pattern captured, by the names of its groups. */
export type SecretGroups = Readonly<Record<string, string | undefined>>;

/**
 * One kind of secret and how to recognise it.
 *
 * Every pattern takes linear time on any text: each repetition is bounded, or nothing that may fail follows it,
 * or the pattern cannot start again inside it. The tests prove it with hostile texts.
 */
export interface SecretRule {
  /** Human name, lower case unless a proper name, for example `GitHub token`. */
  readonly kind: string;
  /** Global. The group `lead`, if any, is at the beginning and does not belong to the secret; all else does. */
  readonly pattern: RegExp;
  /** Must match within `CONTEXT_BEFORE` characters before the secret or `CONTEXT_AFTER` after it. */
  readonly context?: RegExp;
  /** Last word on a match: false for placeholders and for what only looks like the pattern. */
  accept(secret: string, groups: SecretGroups): boolean;
  /** Sticky; takes the rest of an accepted secret that is longer than the bounded pattern. */
  readonly rest?: RegExp;
}

export const CONTEXT_BEFORE = 100;
export const CONTEXT_AFTER = 40;

/** Shannon entropy in bits per UTF-16 code unit; 0 for the empty text. */
export function bitsPerCharacter(value: string): number {
  const counts = new Map<number, number>();
  for (let index = 0; index < value.length; index += 1) {
    const unit = value.charCodeAt(index);
    counts.set(unit, (counts.get(unit) ?? 0) + 1);
  }
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits;
}

const PLACEHOLDER = /example|placeholder|change[_-]?me|redacted|masked|your[_-]|\.\.\.|…|(.)\1{5}/i;

/** True for `xxxxxxxx`, `your-key-here`, `AKIA…EXAMPLE`: what people write where a secret would be. */
export function isPlaceholder(value: string): boolean {
  return PLACEHOLDER.test(value);
}

/** True when characters after a token's prefix could come from a random generator. */
export function isRandom(value: string): boolean {
  if (isPlaceholder(value)) return false;
  const enough = Math.min(3, 0.6 * Math.log2(value.length));
  return /[\dA-Z]/.test(value) && bitsPerCharacter(value) >= enough;
}
