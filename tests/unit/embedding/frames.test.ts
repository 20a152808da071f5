import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeFrame, FrameError, FrameReader } from '../../../src/embedding/shared/frames.ts';

const LIMIT = 1 << 20;

const vector = fc.oneof(
  fc.float32Array({ noNaN: true }),
  fc.int32Array(),
  fc.uint8Array(),
  fc.int8Array(),
  // A part of a larger buffer, as a worker may send it.
  fc.float32Array({ minLength: 4 }).map((all) => all.subarray(1, 3)),
);
const plain = fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.constant(null));
const message = fc.dictionary(
  fc.string().filter((name) => name !== '$array' && name !== '__proto__'),
  fc.oneof(
    plain,
    vector,
    fc.array(fc.record({ start: fc.nat(), tokens: fc.record({ vectors: vector, text: plain }) })),
  ),
  { noNullPrototype: true },
);

/** Cuts bytes into pieces of these lengths. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return [...pieces, bytes.subarray(at)];
}

describe('frames', () => {
  test('bring every message through, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), fc.array(fc.nat({ max: 40 })), (messages, lengths) => {
        const stream = Buffer.concat(messages.map((one) => encodeFrame(one, LIMIT)));
        const reader = new FrameReader(LIMIT);
        const read = cut(stream, lengths).flatMap((piece) => reader.push(piece));
        expect(read).toEqual(messages);
        expect(reader.midway).toBe(false);
      }),
    );
  });

  test('of garbage are messages, errors of frames or a wait for more, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, hasLength) => {
        const head = Buffer.alloc(4);
        head.writeUInt32LE(bytes.length);
        const reader = new FrameReader(LIMIT);
        try {
          reader.push(Buffer.concat([hasLength ? head : Buffer.alloc(0), bytes]));
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
    );
  });

  test.each([
    ['a length', '{"a":{"$array":["f32",0,2]}}'],
    ['an offset', '{"a":{"$array":["f32",1000000,1]}}'],
    ['a negative offset', '{"a":{"$array":["f32",-4,1]}}'],
    ['a kind', '{"a":{"$array":["constructor",0,1]}}'],
    ['no place', '{"a":{"$array":7}}'],
    ['no object', '[]'],
    ['no JSON', '{'],
  ])('are refused for %s that does not fit', (_, header) => {
    const body = Buffer.concat([Buffer.alloc(8), Buffer.from(header), Buffer.alloc(4)]);
    body.writeUInt32LE(body.length - 4);
    body.writeUInt32LE(header.length, 4);
    expect(() => new FrameReader(LIMIT).push(body)).toThrow(FrameError);
  });

  test('longer than the limit are neither made nor read, not even their first bytes', () => {
    expect(() => encodeFrame({ text: 'x'.repeat(100) }, 100)).toThrow('longer than 100');
    const head = Buffer.alloc(4);
    head.writeUInt32LE(101);
    expect(() => new FrameReader(100).push(head)).toThrow('longer than 100');
  });
});
