import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeVector, dequantizeInto, encodeVector, quantize } from '../../../src/embedding/quantization.ts';

const vectors = fc.float32Array({ minLength: 1, maxLength: 400, noNaN: true, min: -1, max: 1 });

describe('quantize', () => {
  test('is off by half a step at the most', () => {
    fc.assert(
      fc.property(vectors, (vector) => {
        const quantized = quantize(vector);
        const back = new Float32Array(vector.length);
        dequantizeInto(back, 0, quantized);
        vector.forEach((value, i) => {
          expect(Math.abs(value - (back[i] ?? NaN))).toBeLessThanOrEqual(quantized.scale * 0.5001 + 1e-38);
        });
      }),
    );
  });

  test('comes back from bytes as it was, 388 of them for 384 dimensions', () => {
    fc.assert(
      fc.property(vectors, (vector) => {
        const quantized = quantize(vector);
        expect(decodeVector(encodeVector(quantized), vector.length)).toEqual(quantized);
      }),
    );
    expect(encodeVector(quantize(new Float32Array(384).fill(0.05)))).toHaveLength(388);
  });

  test('keeps the zero vector', () => {
    expect(quantize(new Float32Array(3))).toEqual({ scale: 0, data: new Int8Array(3) });
  });

  test('refuses what is not finite, and bytes of another length', () => {
    expect(() => quantize(Float32Array.of(1, NaN))).toThrow(RangeError);
    expect(() => decodeVector(new Uint8Array(10), 384)).toThrow('388 bytes, not 10');
  });
});
