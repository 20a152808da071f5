import { format, inspect } from 'node:util';
import { expect, test } from 'vitest';
import { SecretString } from '../../src/util/secret-string.ts';

test('prints as [redacted] by every route, and reveals on demand only', () => {
  const secret = new SecretString('hunter2');
  const holder = { secret, list: [secret] };
  const routes = [
    // eslint-disable-next-line @typescript-eslint/restrict-template-expressions -- the very thing under test
    `${secret}`,
    String(secret),
    // eslint-disable-next-line @typescript-eslint/restrict-plus-operands -- the very thing under test
    'x' + secret,
    JSON.stringify(holder),
    inspect(holder, { depth: 10, showHidden: true }),
    inspect(secret, { customInspect: false, showHidden: true }),
    format('%s %o %O %j', secret, secret, holder, holder),
    // eslint-disable-next-line @typescript-eslint/no-misused-spread -- the very thing under test
    JSON.stringify({ ...secret }),
    JSON.stringify(Object.entries(secret)),
    new Error(`failed: ${secret.toString()}`).stack ?? '',
  ];
  for (const text of routes) expect(text).not.toContain('hunter2');
  expect(secret.toString()).toBe('[redacted]');
  expect(JSON.stringify(holder)).toBe('{"secret":"[redacted]","list":["[redacted]"]}');
  expect(secret.reveal()).toBe('hunter2');
});
