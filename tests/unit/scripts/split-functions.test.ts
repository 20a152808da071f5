import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { I32, OPERATOR, Reader, unsigned } from '../../../scripts/wasm/function-body.ts';
import { splitLargeFunctions } from '../../../scripts/wasm/split-functions.ts';

// The types of the web's WebAssembly are not those of Node.js.
declare const WebAssembly: {
  instantiate(bytes: Uint8Array): Promise<{ instance: { exports: unknown } }>;
};

const LOCALS = 40;
const DROP = 0x1a;

/** Pseudo-random numbers below a limit. */
function dice(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % limit;
  };
}

/** Instructions of a program whose memory shows which of them ran, in which order, and with which locals. */
class Program {
  readonly #roll: (limit: number) => number;
  #place = 0;
  #nesting = 0;

  constructor(seed: number) {
    this.#roll = dice(seed);
  }

  /** @param depth number of blocks around, out of which it may branch */
  statements(count: number, depth: number): number[] {
    this.#nesting += 1;
    const statements = Array.from({ length: count }, () => this.#statement(depth)).flat();
    this.#nesting -= 1;
    return statements;
  }

  #statement(depth: number): number[] {
    const kind = this.#roll(this.#nesting > 3 ? 3 : 8);
    if (kind < 2) return this.#change();
    if (kind === 2) return this.#record();
    const inner = this.statements(this.#roll(8), depth + 1);
    const end = [OPERATOR.end];
    switch (kind) {
      case 3:
        return [OPERATOR.block, 0x40, ...inner, ...this.#leave(depth + 1), ...inner, ...end];
      case 4:
        return [...this.#condition(), OPERATOR.if, 0x40, ...inner, OPERATOR.else, ...this.#change(), ...end];
      case 5:
        return [
          ...this.#condition(),
          OPERATOR.if,
          0x40,
          ...inner,
          OPERATOR.br,
          this.#roll(depth + 2),
          ...end,
        ];
      case 6: {
        // A value out of a block, by a branch or at the end. Other branches stay inside.
        const within = this.statements(this.#roll(20), -1);
        const branch = [...this.#get(), ...this.#condition(), OPERATOR.brIf, 0, DROP];
        const all = [OPERATOR.block, I32, ...within, ...branch, ...within, ...this.#get(), ...end];
        return [...all, OPERATOR.localSet, this.#roll(LOCALS)];
      }
      default: // at most three rounds
        return [
          ...[OPERATOR.i32Const, 3, OPERATOR.localSet, LOCALS, OPERATOR.loop, 0x40, ...this.#record()],
          ...[OPERATOR.localGet, LOCALS, OPERATOR.i32Const, 1, 0x6b, OPERATOR.localTee, LOCALS],
          ...[OPERATOR.brIf, 0, ...end],
        ];
    }
  }

  /** Whether a local is odd. */
  #condition(): number[] {
    return [...this.#get(), OPERATOR.i32Const, 1, 0x71];
  }

  #get(): number[] {
    return [OPERATOR.localGet, this.#roll(LOCALS)];
  }

  /** One local becomes the difference of another and a number. */
  #change(): number[] {
    const difference = [...this.#get(), OPERATOR.i32Const, this.#roll(60), 0x6b];
    const local = this.#roll(LOCALS);
    const set = this.#roll(2) === 0 ? [OPERATOR.localSet, local] : [OPERATOR.localTee, local, DROP];
    return [...difference, ...set];
  }

  #record(): number[] {
    this.#place = (this.#place + 4) % 60_000;
    // The old content times 31, plus a local.
    const load = [OPERATOR.i32Const, 0, 0x28, 2, ...unsigned(this.#place)];
    return [OPERATOR.i32Const, 0, ...load, OPERATOR.i32Const, 31, 0x6c, ...this.#get(), 0x6a, 0x36, 2].concat(
      unsigned(this.#place),
    );
  }

  #leave(depth: number): number[] {
    return [...this.#condition(), OPERATOR.brIf, this.#roll(depth + 1)];
  }
}

const vector = (items: readonly (readonly number[])[]): number[] => [
  ...unsigned(items.length),
  ...items.flat(),
];
const sized = (bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes];
const named = (name: string): number[] => sized([...Buffer.from(name)]);

/** A module with a memory and one function of two numbers. */
function moduleOf(instructions: readonly number[]): Uint8Array {
  const first = Array.from({ length: LOCALS }, (_, local) => [
    OPERATOR.localGet,
    local % 2,
    OPERATOR.i32Const,
    local,
    0x6b,
    OPERATOR.localSet,
    local,
  ]).flat();
  const body = [...vector([[LOCALS - 1, I32]]), ...first, ...instructions, OPERATOR.end];
  const sections = [
    [1, vector([[0x60, ...vector([[I32], [I32]]), 0]])],
    [3, vector([[0]])],
    [5, vector([[0, 1]])],
    [
      7,
      vector([
        [...named('memory'), 2, 0],
        [...named('run'), 0, 0],
      ]),
    ],
    [10, vector([sized(body)])],
  ] as const;
  return Uint8Array.from([
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...sections.flatMap(([id, bytes]) => [id, ...sized(bytes)]),
  ]);
}

async function memoryAfter(module: Uint8Array, numbers: readonly [number, number]): Promise<string> {
  const { instance } = await WebAssembly.instantiate(module);
  const { run, memory } = instance.exports as {
    run: (first: number, second: number) => void;
    memory: { buffer: ArrayBuffer };
  };
  run(...numbers);
  return Buffer.from(memory.buffer).toString('base64');
}

function sizesOf(module: Uint8Array): number[] {
  const reader = new Reader(module, 8);
  for (;;) {
    const id = reader.byte();
    const bytes = reader.take(reader.unsigned());
    if (id !== 10) continue;
    const code = new Reader(bytes);
    return Array.from({ length: code.unsigned() }, () => code.take(code.unsigned()).length);
  }
}

describe('a module whose large function was split', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('does the same (program %i)', async (seed) => {
    const module = moduleOf(new Program(seed).statements(100, 0));
    const split = splitLargeFunctions(module, { largest: 2_000, part: 1_500 });
    expect(sizesOf(split).length).toBeGreaterThan(3);
    for (const numbers of [
      [0, 0],
      [1, 0],
      [0, 1],
      [7, 100],
    ] as const)
      expect(await memoryAfter(split, numbers)).toBe(await memoryAfter(module, numbers));
  });

  test('has no large function any more', () => {
    const module = moduleOf(new Program(9).statements(400, 0));
    const split = splitLargeFunctions(module, { largest: 4_000, part: 2_000 });
    expect(Math.max(...sizesOf(module))).toBeGreaterThan(10_000);
    expect(Math.max(...sizesOf(split))).toBeLessThan(Math.max(...sizesOf(module)) / 4);
  });

  test('is the same module when no function is large', () => {
    const module = moduleOf(new Program(10).statements(5, 0));
    expect(Buffer.from(splitLargeFunctions(module, { largest: 100_000, part: 2_000 }))).toEqual(
      Buffer.from(module),
    );
  });
});

describe('the runtime of the model in the package', () => {
  let sizes: number[] = [];
  beforeAll(() => {
    sizes = sizesOf(readFileSync(join('dist', 'runtime', 'ort-wasm-simd-threaded.wasm')));
  });

  test('has no function for which V8 would take blocks of many megabytes', () => {
    expect(sizes.length).toBeGreaterThan(10_000);
    expect(Math.max(...sizes)).toBeLessThan(512 * 1_024);
  });
});
