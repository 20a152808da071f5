import { isUtf8 } from 'node:buffer';
import { RepositoryDamagedError, RepositoryTooNewError } from '../../errors/backup-errors.ts';
import { FORMAT_VERSION, isMachineId, isSha256, MAX_VERSION_VECTOR_ENTRIES } from './names.ts';
import type { VersionVector } from '../../memory/version.ts';

/** The structure of JSON larger than this is counted before it is parsed. Smaller JSON is always cheap to parse. */
const CHECK_STRUCTURE_ABOVE = 256 * 1024;
/** Maximum number of commas, colons and brackets outside of strings. No object that this program writes has more. */
const MAX_STRUCTURE = 2_000_000;
export const MAX_TIME = 8_640_000_000_000_000;

export interface IntegerRange {
  readonly min: number;
  readonly max: number;
}

/**
 * Checks a JSON object of the repository field by field. A field that breaks the format ends in a
 * `RepositoryDamagedError` that names the object and the field. Messages contain types and sizes, never values,
 * because a value may be the text of a memory. Unknown members are ignored.
 */
export class ObjectChecker {
  /** Key of the object in the repository, for messages. */
  readonly key: string;

  constructor(key: string) {
    this.key = key;
  }

  fail(path: string, problem: string): never {
    throw new RepositoryDamagedError(this.key, path === '' ? problem : `has a field ${path} that ${problem}`);
  }

  /** Time and memory are bounded by the number of bytes, for any content. */
  parse(bytes: Buffer): unknown {
    if (!isUtf8(bytes)) this.fail('', 'is not UTF-8');
    if (bytes.length > CHECK_STRUCTURE_ABOVE && countStructure(bytes) > MAX_STRUCTURE) {
      this.fail('', 'has more structure than this program ever writes');
    }
    try {
      return JSON.parse(bytes.toString('utf8')) as unknown;
    } catch {
      // The parser's message quotes the text, so it is not passed on.
      return this.fail('', 'is not JSON');
    }
  }

  /** Checks the members `format` and `version`, which every JSON object of the repository has. */
  header(fields: Readonly<Record<string, unknown>>, format: string): void {
    if (fields['format'] !== format) this.fail('format', `is not ${JSON.stringify(format)}`);
    const version = this.integer(fields['version'], 'version', { min: 1, max: Number.MAX_SAFE_INTEGER });
    if (version > FORMAT_VERSION) throw new RepositoryTooNewError(this.key, version, FORMAT_VERSION);
  }

  object(value: unknown, path: string): Readonly<Record<string, unknown>> {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      return this.fail(path, 'is not an object');
    }
    // A value that JSON.parse made and that is neither null nor an array has only own, named members.
    return value as Readonly<Record<string, unknown>>;
  }

  list(value: unknown, path: string, maxLength: number): readonly unknown[] {
    if (!Array.isArray(value)) return this.fail(path, 'is not a list');
    if (value.length > maxLength) this.fail(path, `has ${value.length} entries, more than ${maxLength}`);
    return value;
  }

  text(value: unknown, path: string): string {
    if (typeof value !== 'string') return this.fail(path, 'is not a text');
    if (!value.isWellFormed() || value.includes('\0')) this.fail(path, 'is not valid text');
    return value;
  }

  integer(value: unknown, path: string, { min, max }: IntegerRange): number {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      return this.fail(path, `is not an integer from ${min} to ${max}`);
    }
    // JSON.parse can return a negative zero, which must not be kept.
    return value === 0 ? 0 : value;
  }

  boolean(value: unknown, path: string): boolean {
    return typeof value === 'boolean' ? value : this.fail(path, 'is neither true nor false');
  }

  /** Milliseconds since the epoch, within the range of `Date`. */
  time(value: unknown, path: string): number {
    return this.integer(value, path, { min: -MAX_TIME, max: MAX_TIME });
  }

  machine(value: unknown, path: string): string {
    return typeof value === 'string' && isMachineId(value) ? value : this.fail(path, 'is not a machine id');
  }

  sha256(value: unknown, path: string): string {
    return typeof value === 'string' && isSha256(value) ? value : this.fail(path, 'is not a SHA-256');
  }

  /** Standard base64 of exactly `size` bytes, with padding, in its canonical spelling. */
  base64(value: unknown, path: string, size: number): Buffer {
    if (typeof value === 'string' && value.length === Math.ceil(size / 3) * 4) {
      const bytes = Buffer.from(value, 'base64');
      if (bytes.length === size && bytes.toString('base64') === value) return bytes;
    }
    return this.fail(path, `is not base64 of ${size} bytes`);
  }

  clock(value: unknown, path: string): VersionVector {
    const entries = Object.entries(this.object(value, path));
    if (entries.length > MAX_VERSION_VECTOR_ENTRIES)
      this.fail(path, `has more than ${MAX_VERSION_VECTOR_ENTRIES} entries`);
    return Object.fromEntries(
      entries.map(([machine, n]) => [
        this.machine(machine, path),
        this.integer(n, path, { min: 1, max: Number.MAX_SAFE_INTEGER }),
      ]),
    );
  }
}

/** Number of structural characters outside of strings, as a bound for the number of values. */
function countStructure(bytes: Buffer): number {
  let count = 0;
  let inString = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (inString) {
      if (byte === 0x5c) index += 1;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x2c || byte === 0x3a || byte === 0x5b || byte === 0x7b) count += 1;
  }
  return count;
}
