import {
  type Block,
  I32,
  type Instruction,
  NO_RESULT,
  OPERATOR,
  Reader,
  readBody,
  type Type,
  unsigned,
  writeBody,
} from './function-body.ts';
import { Module, readVector } from './module.ts';

/** Parts that are smaller stay where they are. */
const LEAST_BYTES = 1_024;
/** Numbers up to this one are one byte, with a sign, too. */
const ONE_BYTE = 63;

export interface SplitSizes {
  /** Bytes of functions that are not split. */
  readonly largest: number;
  /** Bytes of the parts of others, roughly. */
  readonly part: number;
}

/**
 * Splits large functions of a WebAssembly module into many that are called one after the other. V8 compiles a function as a whole:
 * for one of 887 KB it takes blocks of up to 8 MB, and once such a block was freed, `malloc` keeps twice as much unused for
 * each thread.
 * @returns a module that does the same
 */
export function splitLargeFunctions(bytes: Uint8Array, { largest, part }: SplitSizes): Uint8Array {
  const module = new Module(bytes);
  for (const [place, body] of [...module.bodies.entries()]) {
    if (body.length <= largest) continue;
    const { parameters, results } = module.typeOfBody(place);
    if (results.length > 0) throw new RangeError('a large function has a result');
    const reader = new Reader(body);
    const locals = readVector(reader, (group) => {
      const count = group.unsigned();
      return Array<number>(count).fill(group.byte());
    });
    const root = readBody(reader, module);
    const splitter = new Splitter([...parameters, ...locals.flat()], { part, module });
    module.bodies[place] = splitter.split(root, parameters.length);
  }
  return module.written();
}

/** Of some instructions. */
interface Uses {
  readonly mentioned: Set<number>;
  readonly set: Set<number>;
  /** Blocks around the instructions to which they branch. */
  readonly exits: Set<Block>;
}

/** One function that is split. */
class Splitter {
  /** Their types. */
  readonly #locals: readonly number[];
  readonly #part: number;
  readonly #module: Module;
  /** A local that says where a part was left. Its value is not wanted outside of the function, or after the next part. */
  readonly #exit: number;

  constructor(
    locals: readonly number[],
    { part, module }: { readonly part: number; readonly module: Module },
  ) {
    this.#locals = locals;
    this.#part = part;
    this.#module = module;
    this.#exit = locals.length;
  }

  /** @returns the new body with its locals */
  split(root: Block, parameters: number): Uint8Array {
    const body = this.#shortened(root.bodies[0] ?? []);
    const locals = [...this.#locals.slice(parameters), I32];
    return functionBytes(locals, writeBody(body, { labels: [root], localOf: (local) => local }));
  }

  #shortened(body: readonly Instruction[]): Instruction[] {
    const short: Instruction[] = [];
    let part: Instruction[] = [];
    let partSize = 0;
    let statement: Instruction[] = [];
    const flush = (): void => {
      short.push(...(partSize < LEAST_BYTES ? part : this.#called(part)));
      part = [];
      partSize = 0;
    };
    for (const original of body) {
      const instruction = this.#withShortBlock(original);
      statement.push(instruction);
      if (instruction.endsStatement !== true) continue;
      const size = sizeOf(statement);
      if (partSize + size > this.#part) flush();
      part.push(...statement);
      partSize += size;
      statement = [];
    }
    flush();
    return [...short, ...statement];
  }

  /** A branch out of a part carries no value, so a block that has one stays whole. */
  #withShortBlock(instruction: Instruction): Instruction {
    const { block } = instruction;
    if (block?.result !== NO_RESULT || sizeOf([instruction]) <= this.#part) return instruction;
    // The same object, because it is the target of branches.
    block.bodies = block.bodies.map((body) => this.#shortened(body));
    return { ...instruction, size: sizeOf(block.bodies.flat()) };
  }

  /**
   * Moves instructions into a function of their own, which takes the locals that they mention, and returns those that they set
   * and, when they branch to outside, to which place.
   * @returns the call
   */
  #called(part: readonly Instruction[]): Instruction[] {
    const { mentioned, set, exits } = usesOf(part);
    mentioned.delete(this.#exit);
    set.delete(this.#exit);
    const uses = { parameters: [...mentioned], results: [...set], targets: [...exits] };
    const { parameters, results, targets } = uses;
    const exit = targets.length > 0 ? [this.#exit] : [];
    const typeOf = (local: number): number => this.#locals[local] ?? I32;
    const type: Type = { parameters: parameters.map(typeOf), results: [...results, ...exit].map(typeOf) };
    const index = this.#module.add(type, this.#partBytes(part, uses));
    const using =
      (operator: number) =>
      (local: number): Instruction => ({ operator, local });
    return [
      ...parameters.map(using(OPERATOR.localGet)),
      { operator: OPERATOR.call, bytes: unsigned(index) },
      ...[...results, ...exit].toReversed().map(using(OPERATOR.localSet)),
      ...targets.flatMap((target, place): Instruction[] => [
        { operator: OPERATOR.localGet, local: this.#exit },
        { operator: OPERATOR.i32Const, bytes: [place + 1] },
        { operator: OPERATOR.i32Eq },
        { operator: OPERATOR.brIf, target },
      ]),
    ];
  }

  #partBytes(
    part: readonly Instruction[],
    { parameters, results, targets }: Record<'parameters' | 'results', number[]> & { targets: Block[] },
  ): Uint8Array {
    if (targets.length > ONE_BYTE) throw new RangeError('a part has too many exits');
    const localOf = (local: number): number =>
      local === this.#exit ? parameters.length : parameters.indexOf(local);
    const values = results.flatMap((local) => [OPERATOR.localGet, ...unsigned(localOf(local))]);
    const end = (exit: number): number[] =>
      targets.length === 0 ? values : [...values, OPERATOR.i32Const, exit];
    return functionBytes(
      [I32],
      [
        // The block of the first target is the innermost.
        ...targets.flatMap(() => [OPERATOR.block, NO_RESULT]),
        ...writeBody(part, { labels: targets, localOf }),
        ...end(0),
        ...targets.flatMap((_, place) => [OPERATOR.return, OPERATOR.end, ...end(place + 1)]),
      ],
    );
  }
}

function usesOf(part: readonly Instruction[]): Uses {
  const uses: Uses = { mentioned: new Set(), set: new Set(), exits: new Set() };
  const look = (body: readonly Instruction[], around: readonly Block[]): void => {
    for (const { operator, local, target, block } of body) {
      if (local !== undefined) {
        uses.mentioned.add(local);
        if (operator !== OPERATOR.localGet) uses.set.add(local);
      }
      if (target !== undefined && !around.includes(target)) uses.exits.add(target);
      for (const inner of block?.bodies ?? []) look(inner, block === undefined ? around : [...around, block]);
    }
  };
  look(part, []);
  return uses;
}

/** Bytes of the code; of new instructions roughly. */
function sizeOf(body: readonly Instruction[]): number {
  return body.reduce((sum, { size = 2 }) => sum + size, 0);
}

/** A body with its locals. */
function functionBytes(locals: readonly number[], instructions: readonly number[]): Uint8Array {
  const groups = locals.flatMap((type) => [1, type]);
  return Uint8Array.from([...unsigned(locals.length), ...groups, ...instructions, OPERATOR.end]);
}
