import { createHash } from 'node:crypto';
import { VectorIndexError } from '../errors/embedding-errors.ts';
import { checkLabels } from './vector-index.ts';

const MAGIC = Buffer.from('FMVINDX1', 'latin1');
const HEADER_BYTES = MAGIC.length + 4 + 4;
const CHECKSUM_BYTES = 32;

/** What a saved index holds, whichever implementation wrote it. */
export interface VectorFile {
  readonly dimension: number;
  /** Label of each position. */
  readonly labels: Int32Array;
  /** An exact inner-product index in FAISS's own file format, which other FAISS programs read. */
  readonly payload: Uint8Array;
  /** The part of the payload that is vectors: count × dimension float32, little-endian; not aligned. */
  readonly rows: Uint8Array;
}

/**
 * Layout, little-endian: magic `FMVINDX1`, dimension u32, count u32, labels i32 × count, payload,
 * SHA-256 of all before it.
 * @param payload its bytes in consecutive parts
 */
export function encodeVectorFile(
  { dimension, labels }: Pick<VectorFile, 'dimension' | 'labels'>,
  payload: readonly Uint8Array[],
): Uint8Array {
  const payloadLength = payload.reduce((length, part) => length + part.length, 0);
  const body = HEADER_BYTES + labels.byteLength + payloadLength;
  const bytes = new Uint8Array(body + CHECKSUM_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(MAGIC.length, dimension, true);
  view.setUint32(MAGIC.length + 4, labels.length, true);
  labels.forEach((label, position) => {
    view.setInt32(HEADER_BYTES + 4 * position, label, true);
  });
  let offset = HEADER_BYTES + labels.byteLength;
  for (const part of payload) {
    bytes.set(part, offset);
    offset += part.length;
  }
  bytes.set(checksum(bytes.subarray(0, body)), body);
  return bytes;
}

/** @throws VectorIndexError on damaged bytes, and on an index of another dimension */
export function decodeVectorFile(bytes: Uint8Array, dimension: number): VectorFile {
  const body = bytes.length - CHECKSUM_BYTES;
  if (body < HEADER_BYTES || MAGIC.compare(bytes, 0, MAGIC.length) !== 0) {
    throw new VectorIndexError('The saved index does not begin as one');
  }
  if (!checksum(bytes.subarray(0, body)).equals(bytes.subarray(body))) {
    throw new VectorIndexError('The saved index is damaged: its checksum is wrong');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const saved = view.getUint32(MAGIC.length, true);
  if (saved !== dimension) {
    throw new VectorIndexError(`The saved index has dimension ${saved}, this one ${dimension}`);
  }
  const count = view.getUint32(MAGIC.length + 4, true);
  const payloadStart = HEADER_BYTES + 4 * count;
  if (payloadStart > body) throw new VectorIndexError('The saved index is damaged: it lacks labels');
  const labels = Int32Array.from({ length: count }, (_, position) =>
    view.getInt32(HEADER_BYTES + 4 * position, true),
  );
  checkLabels(labels);
  const payload = bytes.subarray(payloadStart, body);
  return { dimension, labels, payload, rows: decodeFlatIndex(payload, { dimension, count }) };
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** "IxFI": an IndexFlat that compares by inner product. */
const KIND = 0x49_46_78_49;
const METRIC_INNER_PRODUCT = 0;
/** FAISS writes this number twice where older versions had other fields. */
const UNUSED = 2n ** 20n;
const FLAT_HEADER_BYTES = 45;

export interface FlatShape {
  readonly dimension: number;
  readonly count: number;
}

/**
 * What precedes the vectors in FAISS's file of an IndexFlatIP, little-endian: kind u32, dimension i32, count i64,
 * unused 2 × i64, trained u8, metric i32, number of floats u64. Then the floats, row-major, and nothing else.
 */
export function flatIndexHeader({ dimension, count }: FlatShape): Uint8Array {
  const header = new Uint8Array(FLAT_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, KIND, true);
  view.setInt32(4, dimension, true);
  view.setBigInt64(8, BigInt(count), true);
  view.setBigInt64(16, UNUSED, true);
  view.setBigInt64(24, UNUSED, true);
  view.setUint8(32, 1);
  view.setInt32(33, METRIC_INNER_PRODUCT, true);
  view.setBigUint64(37, BigInt(count * dimension), true);
  return header;
}

/**
 * @returns the bytes of the vectors
 * @throws VectorIndexError unless the bytes are an IndexFlatIP of this shape
 */
function decodeFlatIndex(bytes: Uint8Array, shape: FlatShape): Uint8Array {
  const header = flatIndexHeader(shape);
  const rows = bytes.subarray(FLAT_HEADER_BYTES);
  const begins = Buffer.compare(header, bytes.subarray(0, FLAT_HEADER_BYTES)) === 0;
  if (!begins || rows.length !== shape.count * shape.dimension * 4) {
    throw new VectorIndexError(
      `The saved index is damaged: it holds no flat index of ${shape.count} × ${shape.dimension}`,
    );
  }
  return rows;
}
