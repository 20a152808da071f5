import { InvalidInputError } from '../errors/input-errors.ts';
import { decodeUtf8 } from '../util/text.ts';

/** @throws InvalidInputError */
export function decodeLine(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (text !== undefined) return text;
  throw new InvalidInputError('line', 'has bytes that are not UTF-8', 'allowed is text in UTF-8');
}

/**
 * Recognises by its beginning a file whose every line would be rejected.
 * @throws InvalidInputError saying how to convert it
 */
export function checkFileStart(bytes: Uint8Array): void {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw new InvalidInputError('file', 'is UTF-16', 'allowed is UTF-8; save it as UTF-8');
  }
  if (first === 0x1f && second === 0x8b) {
    throw new InvalidInputError('file', 'is compressed', 'allowed are JSON lines; unpack it with gunzip');
  }
  if (/^\s*\[/.test(new TextDecoder().decode(bytes.subarray(0, 100)))) {
    throw new InvalidInputError(
      'file',
      'is a JSON list',
      "allowed are JSON lines; convert it with jq -c '.[]'",
    );
  }
}
