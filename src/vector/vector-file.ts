import { createHash } from 'node:crypto';
import { VectorIndexError } from '../errors/embedding-errors.ts';
import { checkLabels } from './vector-index.ts';

const MAGIC = Buffer.from('FMVINDX1', 'latin1');
const HEADER_BYTES = MAGIC.length + 4 + 4;
const CHECKSUM_BYTES = 32;

/** The content of a saved index. All implementations write the same form. */
export interface VectorFile {
  readonly dimension: number;
  /** The labels by position. */
  readonly labels: Int32Array;
  /** An exact inner-product index in FAISS's own file format, which other FAISS programs can read. */
  readonly payload: Uint8Array;
  /** The vectors within the payload: count × dimension float32, little-endian, not aligned. */
  readonly rows: Uint8Array;
}

/**
 * Layout, little-endian: magic `FMVINDX1`, dimension u32, count u32, labels i32 × count, payload, SHA-256 of all
 * previous bytes.
 * @param payload consecutive parts of the payload
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

/** @throws VectorIndexError when the bytes are damaged or the index has another dimension */
export function decodeVectorFile(bytes: Uint8Array, dimension: number): VectorFile {
  const body = bytes.length - CHECKSUM_BYTES;
  if (body < HEADER_BYTES || MAGIC.compare(bytes, 0, MAGIC.length) !== 0) {
    throw new VectorIndexError('The saved file is not a vector index');
  }
  if (!checksum(bytes.subarray(0, body)).equals(bytes.subarray(body))) {
    throw new VectorIndexError('The saved index is damaged: its checksum is wrong');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const saved = view.getUint32(MAGIC.length, true);
  if (saved !== dimension) {
    throw new VectorIndexError(`The saved index has ${saved} dimensions, but this index has ${dimension}`);
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

/** "IxFI": FAISS's name for an IndexFlat with inner products. */
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
 * The header of FAISS's file of an IndexFlatIP, little-endian: kind u32, dimension i32, count i64, unused 2 × i64,
 * trained u8, metric i32, number of floats u64. Only the floats follow it, row-major.
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
      `The saved index is damaged: it does not contain ${shape.count} vectors of ${shape.dimension} dimensions`,
    );
  }
  return rows;
}
