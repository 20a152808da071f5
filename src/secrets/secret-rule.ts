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
