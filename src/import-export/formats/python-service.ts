import { type Converted, type Entry, memoryOf, readDocument, readLines } from '../entries.ts';
import { namedUuid } from '../../util/uuid.ts';
import type { JsonObject } from '../head.ts';
import { type ImportFormat, onlyText, startOf } from './import-format.ts';

const PYTHON = 'python-service';

/**
 * The export of the Python service of the same name: JSON lines below a line with `_header`, and its file
 * `metadata.json`, a list of objects with numbers as ids. A number says nothing about another store, so it makes an id
 * only together with the time at which the memory was added.
 */
export const pythonService: ImportFormat = {
  name: PYTHON,
  title: 'an export or metadata.json of the original Python service',
  recognizes: ({ line, first }) =>
    line?.['_header'] === true || isPythonMemory(first('')) || isPythonMemory(first('memories')),
  joinsSameText: true,
  async *read(source, options) {
    const { bytes, isLines } = await startOf(
      onlyText(source, PYTHON),
      ({ line }) => line?.['_header'] === true,
    );
    yield* isLines
      ? readLines({ bytes, convert: convertPython }, options)
      : readDocument({ bytes, convert: convertPython }, options);
  },
};

function isPythonMemory(value: JsonObject | undefined): boolean {
  return typeof value?.['text'] === 'string' && typeof value['id'] === 'number';
}

function convertPython({ number, list, value }: Entry): Converted[] {
  if (value['_header'] === true || (number === 0 && list !== '')) return [];
  const { id, created_at: createdAt, timestamp } = value;
  const time = createdAt ?? timestamp;
  const isNamed = typeof id === 'number' && (typeof time === 'string' || typeof time === 'number');
  return [
    memoryOf(value, {
      ...(isNamed ? { id: namedUuid([PYTHON, String(id), String(time)]) } : {}),
      source: '',
    }),
  ];
}
