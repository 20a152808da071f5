import { VectorIndexError } from '../errors/embedding-errors.ts';

/** "IxFI": an IndexFlat that compares by inner product. */
const KIND = 0x49_46_78_49;
const METRIC_INNER_PRODUCT = 0;
/** FAISS writes this number twice where older versions had other fields. */
const UNUSED = 2n ** 20n;
const HEADER_BYTES = 45;

export interface FlatShape {
  readonly dimension: number;
  readonly count: number;
}

/**
 * What precedes the vectors in FAISS's file of an IndexFlatIP, little-endian: kind u32, dimension i32, count i64,
 * unused 2 × i64, trained u8, metric i32, number of floats u64. Then the floats, row-major, and nothing else.
 */
export function flatIndexHeader({ dimension, count }: FlatShape): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
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
export function decodeFlatIndex(bytes: Uint8Array, shape: FlatShape): Uint8Array {
  const header = flatIndexHeader(shape);
  const rows = bytes.subarray(HEADER_BYTES);
  const begins = Buffer.compare(header, bytes.subarray(0, HEADER_BYTES)) === 0;
  if (!begins || rows.length !== shape.count * shape.dimension * 4) {
    throw new VectorIndexError(
      `The saved index is damaged: it holds no flat index of ${shape.count} × ${shape.dimension}`,
    );
  }
  return rows;
}
