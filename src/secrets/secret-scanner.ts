/** One probable secret in a text. */
export interface SecretFinding {
  /** Name of the kind for users, for example `GitHub token`. */
  readonly kind: string;
  /** UTF-16 offsets into the text. */
  readonly start: number;
  readonly end: number;
}

/** Finds secrets in text. Pure and synchronous. Takes linear time. */
export interface SecretScanner {
  /** @returns findings in order, without overlaps */
  scan(text: string): SecretFinding[];
}

/**
 * Replaces each finding with `[masked <kind>]`, so that a reader still sees the place and the kind of the secret.
 * @param findings result of `SecretScanner.scan` for this text: in order, without overlaps
 */
export function maskSecrets(text: string, findings: readonly SecretFinding[]): string {
  let masked = '';
  let position = 0;
  for (const { kind, start, end } of findings) {
    masked += `${text.slice(position, start)}[masked ${kind}]`;
    position = end;
  }
  return masked + text.slice(position);
}
