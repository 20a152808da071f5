import type { SecretFinding } from './secret-scanner.ts';

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
