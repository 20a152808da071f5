import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inAddress, isLoopback } from '../../../src/http/guards/host-and-origin-guard.ts';
import { hostName } from '../../../src/util/text.ts';

describe('isLoopback', () => {
  test.each(['localhost', 'LocalHost', 'ip6-localhost', '127.0.0.1', '127.255.255.254', '::1', '[::1]'])(
    '%s is',
    (host) => {
      expect(isLoopback(host)).toBe(true);
    },
  );

  test.each([
    '0.0.0.0',
    '::',
    '128.0.0.1',
    '127.0.0.1.evil.test',
    '127.1',
    '127.0.0.01',
    '127.0.0.1.',
    'localhost.',
    'localhost.evil.test',
    'a.localhost',
    '0x7f000001',
    '2130706433',
    '::ffff:127.0.0.1',
    '',
    '10.127.0.1',
    '[127.0.0.1]x',
  ])('%j is not', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});

describe('hostName', () => {
  test.each([
    ['localhost', 'localhost'],
    ['LocalHost:8765', 'localhost'],
    ['127.0.0.1:1', '127.0.0.1'],
    ['[::1]', '::1'],
    ['[FE80::1]:65535', 'fe80::1'],
    ['memory.home.arpa.', 'memory.home.arpa.'],
  ])('of %j is %j', (header, name) => {
    expect(hostName(header)).toBe(name);
  });

  test.each([
    '',
    ' ',
    ':80',
    'a:b',
    'a:',
    'a:123456',
    'a b',
    'a/b',
    'a@b',
    'a?b',
    'a#b',
    '::1',
    '[::1',
    '[::1]x',
    '[x]',
    '[]',
    'a:1:2',
  ])('of %j is none', (header) => {
    expect(hostName(header)).toBeUndefined();
  });

  test('never takes for this machine what an address would take for another one', () => {
    const part = fc.constantFrom(
      'localhost',
      '127.0.0.1',
      '[::1]',
      '::1',
      '.',
      ':',
      '@',
      '/',
      '\\',
      '#',
      '?',
      '%',
      ' ',
      '\t',
      '80',
      'evil.test',
      ',',
      '\0',
      '＠',
      '。',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const header = parts.join('');
        const name = hostName(header);
        if (name === undefined || !isLoopback(name)) return;
        const url = new URL(`http://${header}/`);
        expect(isLoopback(url.hostname)).toBe(true);
        expect(url.username + url.password).toBe('');
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('inAddress', () => {
  test('writes IPv6 in brackets, so that the address can be read again', () => {
    expect(inAddress('127.0.0.1')).toBe('127.0.0.1');
    expect(inAddress('::1')).toBe('[::1]');
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (host) => {
        const { hostname } = new URL(`http://${inAddress(host)}:1/`);
        expect(isIP(hostname.replace(/^\[|\]$/g, ''))).toBe(isIP(host));
      }),
    );
  });
});
