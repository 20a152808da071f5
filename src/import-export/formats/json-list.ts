import { memoryOf, readDocument } from '../entries.ts';
import type { JsonObject } from '../head.ts';
import { type ImportFormat, onlyText } from './import-format.ts';

/** A JSON list of objects with a text, and an object with such lists: the entries are as in JSON lines. */
export const jsonList: ImportFormat = {
  name: 'json-list',
  title: 'a JSON list of objects with a text',
  recognizes: ({ line, members, first }) =>
    members.has('')
      ? hasText(first(''))
      : !hasText(line) && [...members].some((member) => hasText(first(member))),
  joinsSameText: true,
  read: (source, options) =>
    readDocument(
      {
        bytes: onlyText(source, 'json-list').bytes,
        convert: ({ number, value }) => (number === 0 ? [] : [memoryOf(value, { source: '' })]),
      },
      options,
    ),
};

function hasText(value: JsonObject | undefined): boolean {
  return ['text', 'content', 'memory'].some((name) => typeof value?.[name] === 'string');
}
