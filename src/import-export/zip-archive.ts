import { open, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { InvalidInputError } from '../errors/input-errors.ts';
import { type Archive, type ArchiveEntry, checkEntryCount, countUp } from './archive.ts';

interface ZipEntry extends ArchiveEntry {
  readonly encrypted: boolean;
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly headerOffset: number;
  readonly modified: number;
}

const END_SIGNATURE = 0x06054b50;
const END_SIZE = 22;
const MAX_COMMENT = 0xffff;
const LOCATOR_SIGNATURE = 0x07064b50;
const LOCATOR_SIZE = 20;
const END_64_SIGNATURE = 0x06064b50;
const END_64_SIZE = 56;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_SIZE = 46;
const HEADER_SIGNATURE = 0x04034b50;
const HEADER_SIZE = 30;
/** In a field of 32 or 16 bits: the value is in a longer field. */
const ELSEWHERE_32 = 0xffffffff;
const ELSEWHERE_16 = 0xffff;
const STORED = 0;
const DEFLATED = 8;

const MAX_DIRECTORY_BYTES = 128 * 1024 * 1024;
/** A member that says that it is larger is not read. */
const MAX_MEMBER_BYTES = 2 * 1024 ** 3;
/** Text shrinks 5 to 20 times. A member that grows more than this is made to fill a disk or a memory. */
const MAX_RATIO = 200;
const RATIO_FREE_BYTES = 1024 * 1024;
/** A piece of compressed bytes grows at most 1,032 times, so that no piece fills the memory. */
const PIECE_BYTES = 16 * 1024;

/**
 * Opens a zip by its directory at the end, and reads members when they are asked for. Sizes, checksums, encryption and
 * names are checked before anything is believed.
 * @throws InvalidInputError when it is cut off or damaged, or has too many members
 */
export async function openZip(path: string): Promise<Archive> {
  const handle = await open(path, 'r');
  try {
    const passedOver = new Map<string, number>();
    const entries = await readDirectory(handle, passedOver);
    const known = new Map(entries.map((entry) => [entry.path, entry]));
    return {
      entries: [...known.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
      passedOver,
      read: (entry) => readMember(handle, known.get(entry.path)),
      times: (entry) => Promise.resolve({ modified: known.get(entry.path)?.modified ?? Date.now() }),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function damaged(problem: string): InvalidInputError {
  return new InvalidInputError('zip', problem, 'allowed is a whole zip; download or make it again');
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  if (bytesRead < length) throw damaged('is cut off');
  return buffer;
}

/** Where the directory is, from the record at the end of the file. */
async function findDirectory(handle: FileHandle): Promise<{ count: number; size: number; offset: number }> {
  const { size: fileSize } = await handle.stat();
  const tailSize = Math.min(fileSize, END_SIZE + MAX_COMMENT);
  const tail = await readAt(handle, fileSize - tailSize, tailSize);
  for (let at = tailSize - END_SIZE; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) !== END_SIGNATURE) continue;
    const end = {
      count: tail.readUInt16LE(at + 10),
      size: tail.readUInt32LE(at + 12),
      offset: tail.readUInt32LE(at + 16),
    };
    const isLong = end.count === ELSEWHERE_16 || end.size === ELSEWHERE_32 || end.offset === ELSEWHERE_32;
    return isLong ? await findLongDirectory(handle, fileSize - tailSize + at) : end;
  }
  throw damaged('has no directory at its end: it is cut off');
}

async function findLongDirectory(
  handle: FileHandle,
  endOffset: number,
): Promise<{ count: number; size: number; offset: number }> {
  if (endOffset < LOCATOR_SIZE) throw damaged('is damaged');
  const locator = await readAt(handle, endOffset - LOCATOR_SIZE, LOCATOR_SIZE);
  if (locator.readUInt32LE(0) !== LOCATOR_SIGNATURE) throw damaged('is damaged');
  const end = await readAt(handle, longNumber(locator, 8), END_64_SIZE);
  if (end.readUInt32LE(0) !== END_64_SIGNATURE) throw damaged('is damaged');
  return { count: longNumber(end, 32), size: longNumber(end, 40), offset: longNumber(end, 48) };
}

function longNumber(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged('is damaged');
  return Number(value);
}

async function readDirectory(handle: FileHandle, passedOver: Map<string, number>): Promise<ZipEntry[]> {
  const { count, size, offset } = await findDirectory(handle);
  checkEntryCount(count);
  if (size > MAX_DIRECTORY_BYTES) throw damaged(`has a directory of ${size} bytes`);
  const directory = await readAt(handle, offset, size);
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let number = 0; number < count; number += 1) {
    if (at + ENTRY_SIZE > size || directory.readUInt32LE(at) !== ENTRY_SIGNATURE) throw damaged('is damaged');
    const end =
      at +
      ENTRY_SIZE +
      directory.readUInt16LE(at + 28) +
      directory.readUInt16LE(at + 30) +
      directory.readUInt16LE(at + 32);
    if (end > size) throw damaged('is damaged');
    const entry = readEntry(directory.subarray(at, end));
    if (!isSafe(entry.path)) countUp(passedOver, 'a name that leads out of the archive');
    else if (!entry.path.endsWith('/')) entries.push(entry);
    at = end;
  }
  return entries;
}

function readEntry(record: Buffer): ZipEntry {
  const nameEnd = ENTRY_SIZE + record.readUInt16LE(28);
  const sizes = {
    size: record.readUInt32LE(24),
    compressedSize: record.readUInt32LE(20),
    headerOffset: record.readUInt32LE(42),
  };
  return {
    path: record.toString('utf8', ENTRY_SIZE, nameEnd),
    encrypted: (record.readUInt16LE(8) & 1) === 1,
    method: record.readUInt16LE(10),
    modified: dosTime(record.readUInt16LE(14), record.readUInt16LE(12)),
    crc: record.readUInt32LE(16),
    ...withLongSizes(sizes, record.subarray(nameEnd, nameEnd + record.readUInt16LE(30))),
  };
}

type Sizes = Pick<ZipEntry, 'size' | 'compressedSize' | 'headerOffset'>;

/** Takes the numbers that have no room in the record from the extra field with the number 1, in its order. */
function withLongSizes(sizes: Sizes, extra: Buffer): Sizes {
  const fields = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= extra.length;) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    fields.set(extra.readUInt16LE(at), extra.subarray(at + 4, end));
    at = end;
  }
  const long = fields.get(1) ?? Buffer.alloc(0);
  let at = 0;
  const whole = (value: number): number => {
    if (value !== ELSEWHERE_32 || at + 8 > long.length) return value;
    at += 8;
    return longNumber(long, at - 8);
  };
  const size = whole(sizes.size);
  const compressedSize = whole(sizes.compressedSize);
  return { size, compressedSize, headerOffset: whole(sizes.headerOffset) };
}

/** The time of MS-DOS, which has no zone. */
function dosTime(date: number, time: number): number {
  const [year, month, day] = [1980 + (date >> 9), ((date >> 5) & 15) - 1, date & 31];
  return Date.UTC(year, month, day, time >> 11, (time >> 5) & 63, (time & 31) * 2);
}

function isSafe(path: string): boolean {
  if (path === '' || path.startsWith('/') || /[\\\0]|^[a-z]:/i.test(path)) return false;
  return path
    .replace(/\/$/, '')
    .split('/')
    .every((name) => name !== '' && name !== '.' && name !== '..');
}

function checkMember({ path, encrypted, method, size, compressedSize }: ZipEntry): void {
  const name = JSON.stringify(path);
  if (encrypted)
    throw new InvalidInputError('zip', `has ${name} encrypted`, 'allowed is a zip without a password');
  if (method !== STORED && method !== DEFLATED) {
    throw new InvalidInputError(
      'zip',
      `has ${name} in compression ${method}`,
      'allowed are stored and deflated',
    );
  }
  if (size > MAX_MEMBER_BYTES) {
    throw new InvalidInputError(
      'zip',
      `has ${name} with ${size} bytes`,
      `allowed are ${MAX_MEMBER_BYTES} bytes`,
    );
  }
  if (size > RATIO_FREE_BYTES && size > compressedSize * MAX_RATIO) {
    throw new InvalidInputError(
      'zip',
      `has ${name} with ${size} bytes made of ${compressedSize}`,
      `allowed is ${MAX_RATIO} times as many`,
    );
  }
}

async function* readMember(handle: FileHandle, entry: ZipEntry | undefined): AsyncGenerator<Uint8Array> {
  if (entry === undefined) return;
  checkMember(entry);
  const name = JSON.stringify(entry.path);
  let size = 0;
  let crc = 0;
  for await (const bytes of contentOf(handle, entry)) {
    size += bytes.length;
    if (size > entry.size) throw damaged(`has ${name} larger than its directory says`);
    crc = crc32(bytes, crc);
    yield bytes;
  }
  if (size !== entry.size || crc !== entry.crc) throw damaged(`has ${name} damaged: its checksum is wrong`);
}

async function* contentOf(handle: FileHandle, entry: ZipEntry): AsyncGenerator<Uint8Array> {
  const header = await readAt(handle, entry.headerOffset, HEADER_SIZE);
  if (header.readUInt32LE(0) !== HEADER_SIGNATURE) throw damaged('is damaged');
  const start = entry.headerOffset + HEADER_SIZE + header.readUInt16LE(26) + header.readUInt16LE(28);
  const found: Uint8Array[] = [];
  const { Inflate } = await import('fflate');
  const inflate = new Inflate((bytes) => void found.push(bytes));
  for (let at = 0; at < entry.compressedSize; at += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, entry.compressedSize - at);
    const bytes = await readAt(handle, start + at, length);
    if (entry.method === STORED) found.push(bytes);
    else inflatePiece(inflate, bytes, { name: entry.path, isLast: at + length === entry.compressedSize });
    for (const piece of found.splice(0)) if (piece.length > 0) yield piece;
  }
}

function inflatePiece(
  inflate: { push(bytes: Uint8Array, isLast: boolean): void },
  bytes: Uint8Array,
  { name, isLast }: { readonly name: string; readonly isLast: boolean },
): void {
  try {
    inflate.push(bytes, isLast);
  } catch {
    throw damaged(`has ${JSON.stringify(name)} damaged`);
  }
}
