// Reads the body of a function of WebAssembly as a tree of blocks, and writes such trees. It knows the instructions of the
// functions that are split, and throws for others.

/** Of values: https://webassembly.github.io/spec/core/binary/types.html */
export const I32 = 0x7f;
export const NO_RESULT = 0x40;

export const OPERATOR = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  return: 0x0f,
  call: 0x10,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i32Const: 0x41,
  i32Eq: 0x46,
};

/** Of a function. */
export interface Type {
  readonly parameters: readonly number[];
  readonly results: readonly number[];
}

export interface Block {
  /** That of `OPERATOR.block`, `loop` or `if`; `end` for the function itself. */
  readonly operator: number;
  /** Type of its value, or `NO_RESULT`. */
  readonly result: number;
  /** Two for an `if` with an `else`. */
  bodies: Instruction[][];
}

export interface Instruction {
  readonly operator: number;
  /** They follow the operator; none when the next fields say more. */
  readonly bytes?: Iterable<number>;
  readonly local?: number;
  /** Of a branch. */
  readonly target?: Block;
  /** The block that starts here. */
  readonly block?: Block;
  /** Bytes of its code, with those of its block. */
  size?: number;
  /** The operand stack of the block is empty afterwards. */
  endsStatement?: boolean;
}

/** The types to which the numbers in instructions refer. */
export interface ModuleTypes {
  typeOf(index: number): Type;
  typeOfFunction(index: number): Type;
}

/** @returns the number in the encoding LEB128 */
export function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...unsigned(Math.floor(value / 128))];
}

export class Reader {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new RangeError('WebAssembly ends too early');
    this.at += 1;
    return byte;
  }

  unsigned(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  }

  take(length: number): Uint8Array {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** The bytes of so many numbers, with or without a sign. */
  numbers(count: number): Uint8Array {
    const start = this.at;
    for (let i = 0; i < count; i += 1) while (this.byte() >= 128);
    return this.bytes.subarray(start, this.at);
  }
}

/** Of instructions without a prefix: first and last operator, how many numbers follow it, change of the height of the stack. */
const PLAIN: readonly (readonly number[])[] = [
  [0x1a, 0x1a, 0, -1], // drop
  [0x1b, 0x1b, 0, -2], // select
  [0x23, 0x23, 1, 1], // global.get
  [0x24, 0x24, 1, -1], // global.set
  [0x28, 0x35, 2, 0], // loads
  [0x36, 0x3e, 2, -2], // stores
  [0x41, 0x42, 1, 1], // i32.const, i64.const
  [0x45, 0x45, 0, 0], // i32.eqz
  [0x46, 0x4f, 0, -1],
  [0x50, 0x50, 0, 0], // i64.eqz
  [0x51, 0x66, 0, -1],
  [0x67, 0x69, 0, 0], // i32.clz, ctz, popcnt
  [0x6a, 0x78, 0, -1],
  [0x79, 0x7b, 0, 0], // i64.clz, ctz, popcnt
  [0x7c, 0x8a, 0, -1],
  [0xa7, 0xc4, 0, 0], // conversions
];

/** Of instructions with a prefix: prefix, first and last number, how many numbers follow, change of the height. */
const PREFIXED: readonly (readonly number[])[] = [
  [0xfc, 10, 10, 2, -3], // memory.copy
  [0xfc, 11, 11, 1, -3], // memory.fill
  [0xfd, 0, 0, 2, 0], // v128.load
  [0xfd, 11, 11, 2, -2], // v128.store
  [0xfe, 0x10, 0x16, 2, 0], // atomic loads
  [0xfe, 0x17, 0x1d, 2, -2], // atomic stores
  [0xfe, 0x1e, 0x47, 2, -1], // atomic read-modify-write
];
const V128_CONST = 12;

interface Surroundings {
  readonly module: ModuleTypes;
  /** The innermost first. */
  readonly labels: readonly Block[];
}

/**
 * @param reader at the first instruction
 * @returns the function itself
 */
export function readBody(reader: Reader, module: ModuleTypes): Block {
  const root: Block = { operator: OPERATOR.end, result: NO_RESULT, bodies: [] };
  readBlock(reader, root, { module, labels: [root] });
  return root;
}

function readBlock(reader: Reader, block: Block, around: Surroundings): void {
  let body: Instruction[] = [];
  block.bodies.push(body);
  /** Undefined after a branch that is always taken. */
  let height: number | undefined = 0;
  for (;;) {
    const start = reader.at;
    const operator = reader.byte();
    if (operator === OPERATOR.end) return;
    if (operator === OPERATOR.else) {
      body = [];
      block.bodies.push(body);
      height = 0;
      continue;
    }
    const [instruction, change] = readInstruction(reader, operator, around);
    height = height === undefined || change === undefined ? undefined : height + change;
    instruction.endsStatement = height === 0;
    instruction.size = reader.at - start;
    body.push(instruction);
  }
}

/** @returns with the change of the height of the stack */
function readInstruction(
  reader: Reader,
  operator: number,
  { module, labels }: Surroundings,
): [Instruction, number | undefined] {
  const label = (): Block => {
    const target = labels[reader.unsigned()];
    if (target === undefined) throw new RangeError('a branch leaves its function');
    return target;
  };
  switch (operator) {
    case OPERATOR.block:
    case OPERATOR.loop:
    case OPERATOR.if: {
      const block: Block = { operator, result: reader.byte(), bodies: [] };
      if (block.result < NO_RESULT) throw new RangeError('a block has the type of a function');
      readBlock(reader, block, { module, labels: [block, ...labels] });
      const change = (block.result === NO_RESULT ? 0 : 1) - (operator === OPERATOR.if ? 1 : 0);
      return [{ operator, block }, change];
    }
    case OPERATOR.br:
      return [{ operator, target: label() }, undefined];
    case OPERATOR.brIf:
      return [{ operator, target: label() }, -1];
    case OPERATOR.return: {
      const root = labels.at(-1);
      return [{ operator: OPERATOR.br, ...(root && { target: root }) }, undefined];
    }
    case 0x00: // unreachable
      return [{ operator }, undefined];
    case OPERATOR.call: {
      const start = reader.at;
      const { parameters, results } = module.typeOfFunction(reader.unsigned());
      const bytes = reader.bytes.subarray(start, reader.at);
      return [{ operator, bytes }, results.length - parameters.length];
    }
    case 0x11: {
      // call_indirect
      const start = reader.at;
      const { parameters, results } = module.typeOf(reader.unsigned());
      reader.unsigned();
      const bytes = reader.bytes.subarray(start, reader.at);
      return [{ operator, bytes }, results.length - parameters.length - 1];
    }
    case OPERATOR.localGet:
      return [{ operator, local: reader.unsigned() }, 1];
    case OPERATOR.localSet:
      return [{ operator, local: reader.unsigned() }, -1];
    case OPERATOR.localTee:
      return [{ operator, local: reader.unsigned() }, 0];
    case 0x43: // f32.const
      return [{ operator, bytes: reader.take(4) }, 1];
    case 0xfc:
    case 0xfd:
    case 0xfe:
      return readPrefixed(reader, operator);
    default: {
      const [, , count = 0, change] =
        PLAIN.find(([first = 0, last = 0]) => first <= operator && operator <= last) ?? [];
      if (change === undefined) throw new RangeError(`operator ${operator} is not known here`);
      return [{ operator, bytes: reader.numbers(count) }, change];
    }
  }
}

function readPrefixed(reader: Reader, prefix: number): [Instruction, number] {
  const start = reader.at;
  const number = reader.unsigned();
  const all = (): Uint8Array => reader.bytes.subarray(start, reader.at);
  if (prefix === 0xfd && number === V128_CONST) {
    reader.take(16);
    return [{ operator: prefix, bytes: all() }, 1];
  }
  const [, , , count = 0, change] =
    PREFIXED.find(([one, first = 0, last = 0]) => one === prefix && first <= number && number <= last) ?? [];
  if (change === undefined) throw new RangeError(`operator ${prefix} ${number} is not known here`);
  reader.numbers(count);
  return [{ operator: prefix, bytes: all() }, change];
}

export interface Numbering {
  /** The innermost first. */
  readonly labels: readonly Block[];
  localOf(local: number): number;
}

/** @returns without the `end` */
export function writeBody(body: readonly Instruction[], around: Numbering): number[] {
  const bytes: number[] = [];
  for (const { operator, bytes: more = [], local, target, block } of body) {
    bytes.push(operator);
    if (local !== undefined) bytes.push(...unsigned(around.localOf(local)));
    else if (target !== undefined) {
      const depth = around.labels.indexOf(target);
      if (depth < 0) throw new RangeError('a branch has no target');
      bytes.push(...unsigned(depth));
    } else if (block !== undefined) {
      bytes.push(block.result);
      const inside = { ...around, labels: [block, ...around.labels] };
      for (const [place, part] of block.bodies.entries()) {
        if (place > 0) bytes.push(OPERATOR.else);
        for (const byte of writeBody(part, inside)) bytes.push(byte);
      }
      bytes.push(OPERATOR.end);
    } else bytes.push(...more);
  }
  return bytes;
}
