import { isIP } from 'node:net';

const LOOPBACK_NAMES: readonly string[] = ['localhost', 'ip6-localhost'];

/** True for this machine itself. */
export function isLoopback(host: string): boolean {
  const name = withoutBrackets(host.toLowerCase());
  return LOOPBACK_NAMES.includes(name) || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

/** For an address: IPv6 in brackets. */
export function inAddress(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}
