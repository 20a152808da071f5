import { InvalidInputError } from '../errors/input-errors.ts';
import { EXPORT_VERSION } from './json-lines-format.ts';

/**
 * Follows the first and last lines of exports through a file, to notice an export that is cut off. A file may
 * hold several exports, one after the other, or none when it is made by hand.
 */
export class ExportFrame {
  readonly #warn: (warning: string) => void;
  /** Memories since the header, readable or not; undefined outside an export. */
  #memories: number | undefined;

  constructor(warn: (warning: string) => void) {
    this.#warn = warn;
  }

  /** @throws InvalidInputError when a newer program wrote it in a way that this one would misread */
  header(line: number, version: number): void {
    if (version !== EXPORT_VERSION) {
      throw new InvalidInputError(
        `line ${line}`,
        `says that this is an export of version ${version}`,
        `allowed is version ${EXPORT_VERSION}; update faiss-memory`,
      );
    }
    this.endOfFile();
    this.#memories = 0;
  }

  memory(): void {
    if (this.#memories !== undefined) this.#memories += 1;
  }

  footer(line: number, count: number): void {
    if (this.#memories !== undefined && this.#memories !== count) {
      this.#warn(
        `The export that ends in line ${line} had ${count} memories when it was written, but ${this.#memories} now.`,
      );
    }
    this.#memories = undefined;
  }

  endOfFile(): void {
    if (this.#memories !== undefined)
      this.#warn('The export has no last line: it was cut off, memories may be missing.');
    this.#memories = undefined;
  }
}
