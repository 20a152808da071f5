/** The texts that a pattern captured, by the names of its groups. */
export type SecretGroups = Readonly<Record<string, string | undefined>>;

/**
 * One kind of secret and how to recognise it.
 *
 * Every pattern takes linear time on any text. For this, each repetition is bounded, or nothing that can fail follows
 * it, or the pattern cannot begin again inside it. Tests check this with hostile texts.
 */
export interface SecretRule {
  /** Name for users, in lower case except for proper names, for example `GitHub token`. */
  readonly kind: string;
  /** Global pattern. The optional group `lead` is at its beginning and not part of the secret. */
  readonly pattern: RegExp;
  /** Must match within `CONTEXT_BEFORE` characters before the secret or `CONTEXT_AFTER` after it. */
  readonly context?: RegExp;
  /** Decides about a match. False for placeholders and for harmless texts that fit the pattern. */
  accept(secret: string, groups: SecretGroups): boolean;
  /** Sticky pattern for the rest of an accepted secret that is longer than the bounded `pattern`. */
  readonly rest?: RegExp;
}

export const CONTEXT_BEFORE = 100;
export const CONTEXT_AFTER = 40;

/** Shannon entropy in bits for each UTF-16 code unit; 0 for the empty text. */
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

/** True for texts that stand in for a secret: `xxxxxxxx`, `your-key-here`, `AKIA…EXAMPLE`. */
export function isPlaceholder(value: string): boolean {
  return PLACEHOLDER.test(value);
}

/** True when the characters after a token's prefix look random. */
export function isRandom(value: string): boolean {
  if (isPlaceholder(value)) return false;
  const enough = Math.min(3, 0.6 * Math.log2(value.length));
  return /[\dA-Z]/.test(value) && bitsPerCharacter(value) >= enough;
}
