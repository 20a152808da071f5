/** One for all: it keeps no state between calls, and an import decodes every line. */
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The text of bytes in UTF-8; undefined when they are none. A byte order mark at the beginning is left out. */
export function decodeUtf8(bytes: ArrayBuffer | Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
