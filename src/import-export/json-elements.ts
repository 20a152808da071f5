/** An element of a list in a JSON document, or a member of its root object that is not a list. */
export interface JsonElement {
  /** Name of the member of the root object; empty when the root is a list. */
  readonly member: string;
  /** Number in the list, from 1; undefined for a member that is not a list. */
  readonly index: number | undefined;
  /** The JSON text; undefined when it is longer than the limit. */
  readonly bytes: Uint8Array | undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const BYTE_ORDER_MARK = new Set([0xef, 0xbb, 0xbf]);

/**
 * Cuts a JSON document into the elements of its lists, in chunks of any size: `[…]` into its elements, and
 * `{"name": […], "other": …}` into the elements of each list and the other members. Holds one element, so the size of
 * the document does not matter. Checks the outer structure only: the elements are for `JSON.parse`.
 */
export class JsonElements {
  readonly #maxBytes: number;
  readonly #found: JsonElement[] = [];
  #state: 'before' | 'inside' | 'behind' | 'broken' = 'before';
  #rootIsList = false;
  #depth = 0;
  /** The depth at which commas separate elements: 1, or 2 in a list that is a member of the root object. */
  #base = 1;
  #inText = false;
  #escaped = false;
  #member: string | undefined;
  #index = 0;
  #piece: Uint8Array[] = [];
  #length = 0;
  #hasContent = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** `behind` after the end of the document, `broken` when it is none. */
  get state(): 'before' | 'inside' | 'behind' | 'broken' {
    return this.#state;
  }

  /** @returns the elements that end in this chunk */
  push(chunk: Uint8Array): readonly JsonElement[] {
    this.#found.length = 0;
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#inText) {
        this.#insideText(byte);
        continue;
      }
      if (!this.#separates(byte)) {
        this.#note(byte);
        continue;
      }
      this.#keep(chunk.subarray(start, at));
      start = at + 1;
      this.#separate(byte);
    }
    this.#keep(chunk.subarray(start));
    return [...this.#found];
  }

  #insideText(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inText = false;
  }

  /** True for a byte that ends or begins a piece, and is no part of one. */
  #separates(byte: number): boolean {
    if (this.#state === 'before') return byte === OPEN_LIST || byte === OPEN_OBJECT;
    if (this.#state !== 'inside' || this.#depth !== this.#base) return false;
    if (byte === COMMA || byte === CLOSE_LIST || byte === CLOSE_OBJECT) return true;
    if (this.#rootIsList || this.#base === 2) return false;
    return this.#member === undefined ? byte === COLON : byte === OPEN_LIST && !this.#hasContent;
  }

  #separate(byte: number): void {
    if (this.#state === 'before') {
      this.#state = 'inside';
      this.#rootIsList = byte === OPEN_LIST;
      if (this.#rootIsList) this.#member = '';
      this.#depth = 1;
      this.#clear();
    } else if (byte === COLON) {
      this.#member = this.#name();
      this.#clear();
    } else if (byte === OPEN_LIST) {
      this.#depth = 2;
      this.#base = 2;
      this.#index = 0;
      this.#clear();
    } else {
      this.#end();
      if (byte !== COMMA) this.#close();
    }
  }

  /** Any other byte outside of texts. */
  #note(byte: number): void {
    if (byte <= 0x20) return;
    if (this.#state !== 'inside') {
      if (this.#state === 'behind' || !BYTE_ORDER_MARK.has(byte)) this.#state = 'broken';
      return;
    }
    this.#hasContent = true;
    if (byte === QUOTE) this.#inText = true;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) this.#depth += 1;
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) this.#depth -= 1;
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#state !== 'inside') return;
    this.#length += bytes.length;
    if (this.#length <= this.#maxBytes) this.#piece.push(bytes);
    else this.#piece = [];
  }

  /** The element that a comma or a bracket ends. */
  #end(): void {
    const isListed = this.#rootIsList || this.#base === 2;
    if (this.#hasContent && this.#member !== undefined) {
      if (isListed) this.#index += 1;
      this.#found.push({
        member: this.#member,
        index: isListed ? this.#index : undefined,
        bytes: this.#length > this.#maxBytes ? undefined : Buffer.concat(this.#piece),
      });
    }
    if (!isListed) this.#member = undefined;
    this.#clear();
  }

  #close(): void {
    this.#depth -= 1;
    if (this.#base === 2) {
      this.#base = 1;
      // The list ends with white space up to the next comma.
      this.#member = undefined;
    } else {
      this.#state = 'behind';
    }
  }

  #name(): string {
    try {
      return String(JSON.parse(Buffer.concat(this.#piece).toString('utf8')));
    } catch {
      return '';
    }
  }

  #clear(): void {
    this.#piece = [];
    this.#length = 0;
    this.#hasContent = false;
  }
}
