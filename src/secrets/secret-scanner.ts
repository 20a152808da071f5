/** One credential-like string. */
export interface SecretFinding {
  /** Human name of the kind, for example `GitHub token`. */
  readonly kind: string;
  /** UTF-16 offsets into the text. */
  readonly start: number;
  readonly end: number;
}

/** Finds credentials in text. Pure and synchronous; linear in the length of the text. */
export interface SecretScanner {
  /** Findings in order, not overlapping. */
  scan(text: string): SecretFinding[];
}

/**
 * Replaces each finding by `[masked <kind>]`: the reader still sees that something was there and what it was.
 * @param findings as a `SecretScanner` returns them for this very text: in order, not overlapping
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
