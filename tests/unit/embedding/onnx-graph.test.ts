import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withoutWeights } from '../../../src/embedding/onnx-graph.ts';
import { tinyWeights } from '../../helpers/tiny-model.ts';

const LOCATION = 'weights';

test('the graph of the bundled model has its weights outside, and a mask of floats', () => {
  const model = readFileSync('models/e5-small-v2-int8/model.onnx');
  const slim = withoutWeights(model, LOCATION);
  expect(slim?.floatMask).toBe(true);
  expect(slim?.graph.length).toBeLessThan(model.length / 50);
  const again = withoutWeights(slim?.graph ?? model, LOCATION);
  // Nothing is left to be moved.
  expect(again?.graph.length).toBe(slim?.graph.length);
});

test('a mask that a model does not convert stays as it is', () => {
  const model = tinyWeights();
  const slim = withoutWeights(model, LOCATION);
  expect(slim?.floatMask).toBe(false);
  const graph = Buffer.from(slim?.graph ?? []);
  const [, offset = '', length = ''] =
    /offset[^\d]*(\d+).*length[^\d]*(\d+)/s.exec(graph.toString('latin1')) ?? [];
  expect(Number(length)).toBeGreaterThan(1_024);
  expect(Number(offset) + Number(length)).toBeLessThanOrEqual(model.length);
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['a text', Buffer.from('no model at all')],
  ['a number without an end', Buffer.alloc(20, 255)],
  ['a model that was cut off', tinyWeights().subarray(0, 900)],
])('%s is no model', (_name, bytes) => {
  expect(withoutWeights(bytes, LOCATION)).toBeUndefined();
});
