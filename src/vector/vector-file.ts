import { createHash } from 'node:crypto';
import { VectorIndexError } from '../errors/vector-index-error.ts';

const MAGIC = 'FMVINDX1';
const HEADER_BYTES = 8 + 4 + 4 + 4;
const CHECKSUM_BYTES = 32;

/** What a saved index holds, whichever implementation wrote it. */
export interface VectorFile {
  readonly dimension: number;
  /** Label of each position. */
  readonly labels: Int32Array;
  /** The implementation's own bytes; for FAISS its file format, readable by other FAISS programs. */
  readonly payload: Uint8Array;
}

/**
 * Layout, little-endian: magic `FMVINDX1`, dimension u32, count u32, payload length u32, labels i32 × count,
 * payload, SHA-256 of all before it.
 */
export function encodeVectorFile({ dimension, labels, payload }: VectorFile): Uint8Array {
  const body = HEADER_BYTES + labels.byteLength + payload.byteLength;
  const bytes = new Uint8Array(body + CHECKSUM_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from(MAGIC, 'latin1'));
  view.setUint32(8, dimension, true);
  view.setUint32(12, labels.length, true);
  view.setUint32(16, payload.byteLength, true);
  labels.forEach((label, position) => {
    view.setInt32(HEADER_BYTES + 4 * position, label, true);
  });
  bytes.set(payload, HEADER_BYTES + labels.byteLength);
  bytes.set(checksum(bytes.subarray(0, body)), body);
  return bytes;
}

/** @throws VectorIndexError on anything but the exact bytes that `encodeVectorFile` made */
export function decodeVectorFile(bytes: Uint8Array): VectorFile {
  if (
    bytes.length < HEADER_BYTES + CHECKSUM_BYTES ||
    Buffer.from(bytes.subarray(0, 8)).toString('latin1') !== MAGIC
  ) {
    throw new VectorIndexError('The saved index does not begin as one');
  }
  const body = bytes.length - CHECKSUM_BYTES;
  if (!checksum(bytes.subarray(0, body)).equals(bytes.subarray(body))) {
    throw new VectorIndexError('The saved index is damaged: its checksum is wrong');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dimension = view.getUint32(8, true);
  const count = view.getUint32(12, true);
  const payloadLength = view.getUint32(16, true);
  if (HEADER_BYTES + 4 * count + payloadLength !== body)
    throw new VectorIndexError('The saved index is damaged: its lengths disagree');
  const labels = Int32Array.from({ length: count }, (_, position) =>
    view.getInt32(HEADER_BYTES + 4 * position, true),
  );
  return { dimension, labels, payload: bytes.subarray(HEADER_BYTES + 4 * count, body) };
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
