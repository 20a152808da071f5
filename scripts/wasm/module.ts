// The parts of a WebAssembly module that matter when its functions are replaced, and new ones are added at the end.
import { type ModuleTypes, Reader, type Type, unsigned } from './function-body.ts';

const HEADER_BYTES = 8;
const SECTION = { type: 1, import: 2, function: 3, code: 10 };
const FUNCTION_TYPE = 0x60;

export class Module implements ModuleTypes {
  /** The bodies of its own functions with their locals. */
  readonly bodies: Uint8Array[];
  readonly #bytes: Uint8Array;
  /** In their order. */
  readonly #sections: ReadonlyMap<number, Uint8Array>;
  readonly #types: Type[];
  /** The types of all functions, the imported ones first. */
  readonly #functions: number[];
  readonly #imported: number;
  readonly #before: { readonly types: number; readonly functions: number };

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#sections = readSections(bytes);
    this.#types = readVector(this.#payload(SECTION.type), readType);
    const imported = readVector(this.#payload(SECTION.import), readImport).flat();
    this.#imported = imported.length;
    this.#functions = [...imported, ...readVector(this.#payload(SECTION.function), (one) => one.unsigned())];
    this.bodies = readVector(this.#payload(SECTION.code), (reader) => reader.take(reader.unsigned()));
    this.#before = { types: this.#types.length, functions: this.#functions.length };
  }

  typeOf(index: number): Type {
    const type = this.#types[index];
    if (type === undefined) throw new RangeError(`there is no type ${index}`);
    return type;
  }

  typeOfFunction(index: number): Type {
    return this.typeOf(this.#functions[index] ?? -1);
  }

  /** The type of a function of its own. */
  typeOfBody(place: number): Type {
    return this.typeOfFunction(this.#imported + place);
  }

  /** @returns the number of the new function */
  add(type: Type, body: Uint8Array): number {
    this.#types.push(type);
    this.#functions.push(this.#types.length - 1);
    this.bodies.push(body);
    return this.#functions.length - 1;
  }

  written(): Uint8Array {
    const types = this.#types.slice(this.#before.types).map(writeType);
    const functions = this.#functions.slice(this.#before.functions).map(unsigned);
    const code = this.bodies.flatMap((body) => [Buffer.from(unsigned(body.length)), body]);
    const changed = new Map([
      [SECTION.type, this.#longer(SECTION.type, types)],
      [SECTION.function, this.#longer(SECTION.function, functions)],
      [SECTION.code, Buffer.concat([Buffer.from(unsigned(this.bodies.length)), ...code])],
    ]);
    const sections = [...this.#sections].flatMap(([id, before]) => {
      const bytes = changed.get(id) ?? before;
      return [Buffer.from([id, ...unsigned(bytes.length)]), bytes];
    });
    return Buffer.concat([this.#bytes.subarray(0, HEADER_BYTES), ...sections]);
  }

  /** A section of a vector with more items. */
  #longer(id: number, items: readonly (readonly number[])[]): Uint8Array {
    const reader = this.#payload(id);
    const count = reader.unsigned() + items.length;
    const before = reader.bytes.subarray(reader.at);
    return Buffer.concat([Buffer.from(unsigned(count)), before, Buffer.from(items.flat())]);
  }

  /** Without the section, the payload is an empty vector. */
  #payload(id: number): Reader {
    return new Reader(this.#sections.get(id) ?? new Uint8Array([0]));
  }
}

export function readVector<Item>(reader: Reader, read: (reader: Reader) => Item): Item[] {
  return Array.from({ length: reader.unsigned() }, () => read(reader));
}

function readSections(bytes: Uint8Array): Map<number, Uint8Array> {
  const sections = new Map<number, Uint8Array>();
  const reader = new Reader(bytes, HEADER_BYTES);
  while (reader.at < bytes.length) {
    const id = reader.byte();
    if (sections.has(id)) throw new RangeError(`there are two sections ${id}`);
    sections.set(id, reader.take(reader.unsigned()));
  }
  return sections;
}

function readType(reader: Reader): Type {
  if (reader.byte() !== FUNCTION_TYPE) throw new RangeError('a type is not that of a function');
  const values = (): number[] => readVector(reader, () => reader.byte());
  return { parameters: values(), results: values() };
}

function writeType({ parameters, results }: Type): number[] {
  return [FUNCTION_TYPE, unsigned(parameters.length), parameters, unsigned(results.length), results].flat();
}

/** @returns the type of a function; nothing for an import of another kind */
function readImport(reader: Reader): number[] {
  reader.take(reader.unsigned());
  reader.take(reader.unsigned());
  const kind = reader.byte();
  if (kind === 0) return [reader.unsigned()];
  if (kind === 1) reader.byte(); // A table: the type of its elements.
  if (kind === 1 || kind === 2) {
    const hasMaximum = (reader.unsigned() & 1) === 1;
    reader.numbers(hasMaximum ? 2 : 1);
  } else if (kind === 3) reader.take(2);
  else throw new RangeError(`an import has the kind ${kind}`);
  return [];
}
