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
