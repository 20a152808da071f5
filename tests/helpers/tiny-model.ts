import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Letters and words of several scripts; every other character is unknown to the tiny model. */
const PIECES = [
  ...Array.from('abcdefghijklmnopqrstuvwxyzäöüßéèñ0123456789.,?!:'),
  ...Array.from('абвгдежзийклмнопрстуфхцчшщыьэюя'),
  ...Array.from('本日語会議鍵青扉後ろ月曜茶'),
  '▁',
  '▁die',
  '▁the',
  '▁Rechnung',
  '▁Rechnungen',
  '▁счета',
  '▁invoices',
];
const SPECIAL = ['<s>', '<pad>', '</s>', '<unk>'];
export const TINY_DIMENSION = 16;

export interface TinyModel {
  /** @default ['input_ids', 'attention_mask'], as XLM-RoBERTa has them */
  readonly inputs?: readonly string[];
  /** @default 'last_hidden_state' */
  readonly output?: string;
  /** Every token gets the same vector. */
  readonly same?: boolean;
  /** Path of the weights. @default 'onnx/model_quantized.onnx' */
  readonly weights?: string;
}

/** Writes a model of a few kilobytes with random vectors and a tokenizer of the kind Unigram, and makes the folder. */
export function writeTinyModel(folder: string, model: TinyModel = {}): void {
  const weights = join(folder, model.weights ?? 'onnx/model_quantized.onnx');
  mkdirSync(dirname(weights), { recursive: true });
  writeFileSync(weights, tinyWeights(model));
  writeFileSync(join(folder, 'tokenizer.json'), tinyTokenizer());
}

export function tinyTokenizer(): string {
  const added = SPECIAL.map((content, id) => ({
    id,
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  }));
  const special = (id: string): object => ({ SpecialToken: { id, type_id: 0 } });
  const [begin, end] = [special('<s>'), special('</s>')];
  const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', add_prefix_space: true };
  return JSON.stringify({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: { type: 'NFKC' },
    pre_tokenizer: metaspace,
    post_processor: {
      type: 'TemplateProcessing',
      single: [begin, { Sequence: { id: 'A', type_id: 0 } }, end],
      pair: [begin, { Sequence: { id: 'A', type_id: 0 } }, end, { Sequence: { id: 'B', type_id: 0 } }, end],
      special_tokens: {
        '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] },
        '</s>': { id: '</s>', ids: [2], tokens: ['</s>'] },
      },
    },
    decoder: metaspace,
    model: {
      type: 'Unigram',
      unk_id: 3,
      vocab: [
        ...SPECIAL.map((piece) => [piece, 0]),
        ...PIECES.map((piece) => [piece, -3 + piece.length / 10]),
      ],
    },
  });
}

/** One node: the vector of a token is a row of a table. https://onnx.ai/onnx/api/classes.html has the fields. */
export function tinyWeights({ inputs, output = 'last_hidden_state', same = false }: TinyModel = {}): Buffer {
  const rows = SPECIAL.length + PIECES.length;
  const values = new Float32Array(rows * TINY_DIMENSION);
  let state = 42;
  for (let index = 0; index < values.length; index += 1) {
    state = (state * 48_271) % 2_147_483_647;
    values[index] = same ? 1 : state / 2_147_483_647 - 0.5;
  }
  const FLOAT = 1;
  const INT64 = 7;
  const table = [
    varint(1, rows),
    varint(1, TINY_DIMENSION),
    varint(2, FLOAT),
    bytes(8, 'table'),
    bytes(9, Buffer.from(values.buffer)),
  ];
  const gather = [bytes(1, 'table'), bytes(1, 'input_ids'), bytes(2, output), bytes(4, 'Gather')];
  const graph = [
    bytes(1, gather),
    bytes(2, 'tiny'),
    bytes(5, table),
    ...(inputs ?? ['input_ids', 'attention_mask']).map((name) => bytes(11, tensor(name, INT64, 2))),
    bytes(12, tensor(output, FLOAT, 3)),
  ];
  const operators = [bytes(1, ''), varint(2, 13)];
  return Buffer.concat([varint(1, 8), bytes(7, graph), bytes(8, operators)]);
}

function tensor(name: string, type: number, rank: number): Buffer[] {
  const sizes = Array.from({ length: rank }, (_, index) => bytes(1, [bytes(2, `size${index}`)]));
  return [bytes(1, name), bytes(2, [bytes(1, [varint(1, type), bytes(2, sizes)])])];
}

/** A field of Protocol Buffers with a number. */
function varint(field: number, value: number): Buffer {
  return Buffer.from([...digits(field * 8), ...digits(value)]);
}

/** A field with a text, bytes or fields. */
function bytes(field: number, content: string | Buffer | readonly Buffer[]): Buffer {
  const body = Buffer.isBuffer(content)
    ? content
    : typeof content === 'string'
      ? Buffer.from(content)
      : Buffer.concat(content);
  return Buffer.concat([Buffer.from([...digits(field * 8 + 2), ...digits(body.length)]), body]);
}

function digits(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...digits(Math.floor(value / 128))];
}
