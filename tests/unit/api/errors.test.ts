import { describe, expect, test } from 'vitest';
import { errorMessage, messageNaming } from '../../../src/api/errors.ts';
import { decodeError, encodeError } from '../../../src/errors/error-codec.ts';
import {
  InvalidInputError,
  NotFoundError,
  SecretRejectedError,
  UnknownFieldError,
} from '../../../src/errors/input-errors.ts';

describe('an error names a field as its caller does', () => {
  test.each([
    ['onDuplicate', 'on_duplicate', '--on-duplicate'],
    ['filter.allTags[2]', 'all_tags[2]', '--all-tags'],
    ['addTags[0]', 'add_tags[0]', '--add-tag'],
    ['filter.after', 'after', '--after'],
    ['metadata.onDuplicate.allTags', 'metadata.onDuplicate.allTags', '--metadata onDuplicate.allTags'],
    ['filter.metadata.filter.tags', 'metadata.filter.tags', '--metadata filter.tags'],
    ['memories[3].text', 'memories[3].text', 'memories[3].text'],
    ['memories[0].tags[1]', 'memories[0].tags[1]', 'memories[0].tags[1]'],
    ['memories[0].occurredAt', 'memories[0].occurred_at', 'memories[0].occurred_at'],
    ['metadata.occurredAt', 'metadata.occurredAt', '--metadata occurredAt'],
    ['memories[0].metadata.occurredAt', 'memories[0].metadata.occurredAt', 'memories[0].metadata.occurredAt'],
    ['timeZone', 'time_zone', 'the time zone'],
    ['constructor', 'constructor', 'constructor'],
  ])('%s: %s, %s', (field, json, option) => {
    // A problem that quotes the same word stays as it is.
    const error = new InvalidInputError(field, `is "${field} is an unknown field"`, 'allowed is another');
    const message = (name: string): string => `${name} is "${field} is an unknown field"; allowed is another`;
    expect(messageNaming(error, 'json')).toBe(message(json));
    expect(messageNaming(error, 'options')).toBe(message(option));
    expect(errorMessage(decodeError(structuredClone(encodeError(error))))).toBe(message(json));
    expect(error.message).toBe(message(field));
  });

  test('a secret is found in a field of that name too', () => {
    const error = new SecretRejectedError('addTags', ['AWS access key']);
    expect(messageNaming(error, 'json')).toMatch(/^add_tags seems to contain/);
    expect(messageNaming(error, 'options')).toMatch(/^--add-tag seems to contain/);
  });

  test('an unknown field keeps the name that the caller wrote', () => {
    const error = new UnknownFieldError('allTags', 'did you mean all_tags?');
    expect(errorMessage(error)).toBe('allTags is an unknown field; did you mean all_tags?');
  });

  test('an error without a field stays as it is', () => {
    expect(messageNaming(new NotFoundError(['tags']), 'options')).toBe('No memory has the id "tags"');
  });
});
