/** Tensors below this size stay in the graph. */
const LARGE_BYTES = 1_024;

// Field numbers of onnx.proto3 of the ONNX project.
const MODEL = { graph: 7 } as const;
const GRAPH = { node: 1, initializer: 5, input: 11, valueInfo: 13 } as const;
const NODE = { input: 1, output: 2, operator: 4, attribute: 5 } as const;
const ATTRIBUTE = { name: 1, integer: 3, graph: 6, graphs: 11 } as const;
const TENSOR = { rawData: 9, externalData: 13, dataLocation: 14 } as const;
const VALUE = { name: 1, type: 2, tensorType: 1, elementType: 1 } as const;
const ENTRY = { key: 1, value: 2 } as const;
const EXTERNAL = 1;
/** Element types of tensors. */
const FLOAT = 1;
const INT64 = 7;
const MASK = 'attention_mask';

export interface GraphWithoutWeights {
  /** The model without its large tensors. */
  readonly graph: Uint8Array;
  /** The attention mask is an input of 32-bit floats in this graph, not of 64-bit integers. */
  readonly floatMask: boolean;
}

/**
 * Makes a graph whose large tensors are references into the file of the model. The runtime copies such weights once; it
 * copies those in a graph three times, and WebAssembly never gives memory back.
 *
 * A mask that the model only converts to floats becomes an input of floats. The conversion costs nothing, but the function
 * of the runtime that contains all conversions is so large that V8 takes 200 MB and seconds of processor time to optimise it
 * when it was called a few times.
 * @param location name under which the runtime finds the bytes of `model`
 * @returns undefined for bytes that are no ONNX model
 */
export function withoutWeights(model: Uint8Array, location: string): GraphWithoutWeights | undefined {
  try {
    const top = [...fieldsOf(model, { start: 0, end: model.length })];
    const graph = top.find(({ number }) => number === MODEL.graph);
    if (graph === undefined) return undefined;
    const parts = [...fieldsOf(model, graph)];
    const mask = convertedMask(model, parts);
    const slim = parts.flatMap((part): Uint8Array[] => {
      if (part.number === GRAPH.initializer) return message(part.number, outside(model, part, location));
      if (mask !== undefined && part.number === GRAPH.valueInfo) return []; // Optional, and of the old type.
      const bytes = model.slice(part.from, part.end);
      if (mask !== undefined && part.from < mask && mask < part.end) bytes[mask - part.from] = FLOAT;
      return [bytes];
    });
    const rest = top.flatMap(({ number, from, end }) =>
      number === MODEL.graph ? [] : [model.subarray(from, end)],
    );
    return {
      graph: Buffer.concat([...rest, ...message(MODEL.graph, slim)]),
      floatMask: mask !== undefined,
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** A field of a message; the span is that of its value. */
interface Field extends Span {
  readonly number: number;
  /** Place of the field's key. */
  readonly from: number;
}

/** @returns the parts of a tensor, with a reference in place of large data */
function outside(model: Uint8Array, tensor: Span, location: string): Uint8Array[] {
  return [...fieldsOf(model, tensor)].flatMap((field) => {
    const length = field.end - field.start;
    if (field.number !== TENSOR.rawData || length < LARGE_BYTES)
      return [model.subarray(field.from, field.end)];
    const reference = { location, offset: String(field.start), length: String(length) };
    return [
      ...Object.entries(reference).flatMap(([key, value]) =>
        message(TENSOR.externalData, [
          ...message(ENTRY.key, [Buffer.from(key)]),
          ...message(ENTRY.value, [Buffer.from(value)]),
        ]),
      ),
      Buffer.from([...varint(TENSOR.dataLocation * 8), EXTERNAL]),
    ];
  });
}

/** @returns the place of the mask's element type, when all that the model does with the mask is to convert it to floats */
function convertedMask(model: Uint8Array, graph: readonly Field[]): number | undefined {
  const nodes = graph.filter(({ number }) => number === GRAPH.node).map((node) => nodeOf(model, node));
  const names = [MASK];
  for (const name of names) {
    const users = nodes.filter(({ inputs, hasGraph }) => hasGraph || inputs.includes(name));
    for (const { operator, outputs, to, hasGraph } of users) {
      if (hasGraph) return undefined; // It may use the mask, too.
      if (operator === 'Unsqueeze') names.push(...outputs);
      else if (operator !== 'Cast' || to !== FLOAT) return undefined;
    }
    if (users.length === 0 || names.length > nodes.length) return undefined;
  }
  return graph.flatMap((field) => (field.number === GRAPH.input ? (maskType(model, field) ?? []) : []))[0];
}

function maskType(model: Uint8Array, input: Field): number | undefined {
  const [name] = all(model, input, VALUE.name);
  if (name === undefined || textOf(model, name) !== MASK) return undefined;
  const place = all(model, input, VALUE.type)
    .flatMap((type) => all(model, type, VALUE.tensorType))
    .flatMap((tensor) => all(model, tensor, VALUE.elementType))[0]?.start;
  return place !== undefined && model[place] === INT64 ? place : undefined;
}

interface Node {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The type to which a `Cast` converts. */
  readonly to: number | undefined;
  readonly hasGraph: boolean;
}

function nodeOf(model: Uint8Array, node: Field): Node {
  const texts = (number: number): string[] => all(model, node, number).map((field) => textOf(model, field));
  const attributes = all(model, node, NODE.attribute);
  const to = attributes.find((one) =>
    all(model, one, ATTRIBUTE.name).some((name) => textOf(model, name) === 'to'),
  );
  const graphs: readonly number[] = [ATTRIBUTE.graph, ATTRIBUTE.graphs];
  return {
    operator: texts(NODE.operator)[0] ?? '',
    inputs: texts(NODE.input),
    outputs: texts(NODE.output),
    to: to && all(model, to, ATTRIBUTE.integer).map(({ start }) => varintAt(model, start).value)[0],
    hasGraph: attributes.some((one) =>
      [...fieldsOf(model, one)].some(({ number }) => graphs.includes(number)),
    ),
  };
}

function all(model: Uint8Array, span: Span, number: number): Field[] {
  return [...fieldsOf(model, span)].filter((field) => field.number === number);
}

function textOf(model: Uint8Array, { start, end }: Span): string {
  return Buffer.from(model.subarray(start, end)).toString('utf8');
}

/** The fields of a message in the encoding of Protocol Buffers. @throws RangeError for other bytes */
function* fieldsOf(bytes: Uint8Array, { start, end }: Span): Generator<Field> {
  for (let from = start; from < end;) {
    const key = varintAt(bytes, from);
    const field = { number: Math.floor(key.value / 8), from, ...valueAt(bytes, key.end, key.value % 8) };
    if (field.end > end) throw new RangeError('a field is longer than its message');
    yield field;
    from = field.end;
  }
}

function valueAt(bytes: Uint8Array, start: number, wireType: number): Span {
  if (wireType === 0) return { start, end: varintAt(bytes, start).end };
  if (wireType === 1) return { start, end: start + 8 };
  if (wireType === 5) return { start, end: start + 4 };
  if (wireType !== 2) throw new RangeError(`there is no field of type ${wireType}`);
  const length = varintAt(bytes, start);
  return { start: length.end, end: length.end + length.value };
}

function varintAt(bytes: Uint8Array, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let place = start; place < start + 10; place += 1) {
    const byte = bytes[place];
    if (byte === undefined) break;
    value += (byte & 127) * 128 ** (place - start);
    if (byte < 128) return { value, end: place + 1 };
  }
  throw new RangeError('a number does not end');
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

/** The field of a message with this content. */
function message(number: number, parts: readonly Uint8Array[]): Uint8Array[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return [Buffer.from([...varint(number * 8 + 2), ...varint(length)]), ...parts];
}
