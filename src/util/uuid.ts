import { createHash, randomBytes } from 'node:crypto';

/** A UUID in lower case, as part of a regular expression. */
export const UUID_PATTERN = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const UUID = new RegExp(`^${UUID_PATTERN}$`);

/** True for a UUID of any version in lower case. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/**
 * Creates a generator of UUIDv7 (RFC 9562). Its ids sort in the order of their creation, even within a millisecond and
 * when the clock goes back: the 12 bits after the time are a counter (method 1 of section 6.2).
 * @param now milliseconds since the epoch
 */
export function createUuidV7Generator(now: () => number): () => string {
  let time = 0;
  let counter = 0;
  return () => {
    const bytes = randomBytes(16);
    const current = now();
    if (current > time) {
      time = current;
      counter = bytes.readUInt16BE(6) & 0x7ff;
    } else if (++counter > 0xfff) {
      time += 1;
      counter = 0;
    }
    bytes.writeUIntBE(time, 0, 6);
    bytes.writeUInt16BE(0x7000 | counter, 6);
    bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
    const hex = bytes.toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  };
}

/** The name space of ids that are made from names; never changes, so that the same names give the same id for ever. */
const NAME_SPACE = Buffer.from('8d0f3a5e6c0b5c0f9a3f4b0d1c7e2a96', 'hex');

/** The UUIDv5 (RFC 9562) of a list of names. The same names give the same id; `['a', 'b']` and `['ab']` differ. */
export function namedUuid(names: readonly string[]): string {
  const hash = createHash('sha1').update(NAME_SPACE).update(JSON.stringify(names)).digest();
  hash.writeUInt8(0x50 | (hash.readUInt8(6) & 0x0f), 6);
  hash.writeUInt8(0x80 | (hash.readUInt8(8) & 0x3f), 8);
  const hex = hash.toString('hex', 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
