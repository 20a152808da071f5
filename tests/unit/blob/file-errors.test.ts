import { expect, test } from 'vitest';
import { fileError } from '../../../src/blob/folder/file-errors.ts';

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: failed`), { code, syscall: 'open' });
}

const context = { operation: 'get', location: 'folder x' } as const;

test.each([
  ['EPERM', 'win32', true],
  ['EACCES', 'win32', true],
  ['EBUSY', 'win32', true],
  ['EROFS', 'win32', false],
  ['EPERM', 'linux', false],
  ['EACCES', 'darwin', false],
  ['EBUSY', 'linux', true],
] as const)('%s on %s: another attempt may help: %s', (code, platform, retryable) => {
  const error = fileError(failure(code), { ...context, platform });
  expect(error).toMatchObject({ retryable, providerCode: code });
});
