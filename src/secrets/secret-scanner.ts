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
