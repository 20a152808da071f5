import { lookup as lookupHost, type LookupAddress } from 'node:dns';
import { request } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { promisify } from 'node:util';
import { streamedText } from '../../util/network-problem.ts';

const TIME_LIMIT_MS = 2_500;
/** A description of a client, or its keys. */
const SIZE_LIMIT = 64 * 1024;

const resolveHost = promisify(lookupHost);

export interface DocumentRules {
  /** Also addresses of this machine and of the local network. */
  readonly allowLocal: boolean;
  /** All addresses of a name. Default: those of the system. */
  readonly resolve?: (name: string) => Promise<readonly LookupAddress[]>;
  /** PEM texts of further authorities. */
  readonly authorities?: readonly string[];
}

/**
 * Reads the document at an address that a stranger chose, without letting the stranger use this server to reach
 * anything else: `https:` only, a public address only, and the connection goes to exactly the address that was looked
 * at. Redirects are not followed. Time and size are limited.
 */
export function documentReader({ allowLocal, resolve, authorities }: DocumentRules): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.protocol !== 'https:') throw new Error('only https: addresses are read');
    const address = await publicAddress(url.hostname, {
      allowLocal,
      ...(resolve === undefined ? {} : { resolve }),
    });
    const signal = AbortSignal.timeout(TIME_LIMIT_MS);
    return new Promise<Response>((done, fail) => {
      const asking = request(url, {
        method: init?.method ?? 'GET',
        headers: { accept: 'application/json', host: url.host },
        signal,
        lookup: pinned(address),
        agent: false,
        ...(authorities === undefined ? {} : { ca: [...authorities] }),
      });
      asking.once('error', fail);
      asking.once('response', (answer) => {
        const headers = new Headers();
        for (const name of ['cache-control', 'expires', 'content-type']) {
          const value = answer.headers[name];
          if (typeof value === 'string') headers.set(name, value);
        }
        const status = answer.statusCode ?? 502;
        streamedText(answer, SIZE_LIMIT).then(
          (text) => {
            done(new Response(status === 204 || status === 304 ? null : text, { status, headers }));
          },
          (error: unknown) => {
            asking.destroy();
            fail(error instanceof Error ? error : new Error(String(error)));
          },
        );
      });
      asking.end();
    });
  };
}

/** Connects to this address, whatever the name has become in the meantime. */
function pinned({ address, family }: LookupAddress): LookupFunction {
  return (_name, options, callback) => {
    if (options.all === true) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };
}

/** @throws Error when the name has no address, or any of them is not public */
async function publicAddress(
  hostname: string,
  { allowLocal, resolve = resolveAll }: Pick<DocumentRules, 'allowLocal' | 'resolve'>,
): Promise<LookupAddress> {
  const name = hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(name);
  const addresses = family === 0 ? await resolve(name) : [{ address: name, family }];
  const [first] = addresses;
  if (first === undefined) throw new Error(`${name} has no address`);
  // One that is not public among them would be a trick.
  const local = addresses.find((one) => !isPublic(one));
  if (local !== undefined && !allowLocal) throw new Error(`${name} is no public address: ${local.address}`);
  return first;
}

function resolveAll(name: string): Promise<readonly LookupAddress[]> {
  return resolveHost(name, { all: true });
}

/** Ranges of the registries of special-purpose addresses (RFC 6890) that are not of the public Internet. */
const NOT_PUBLIC: readonly (readonly [network: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];
/** The global unicast addresses; all others are special. */
const PUBLIC_V6: readonly [string, number] = ['2000::', 3];
const NOT_PUBLIC_V6: readonly (readonly [network: string, bits: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const refused = new BlockList();
for (const [network, bits] of NOT_PUBLIC) refused.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of NOT_PUBLIC_V6) refused.addSubnet(network, bits, 'ipv6');
const global = new BlockList();
global.addSubnet(...PUBLIC_V6, 'ipv6');

/** True for an address of the public Internet. IPv4 inside of IPv6 (`::ffff:…`) is not among those of IPv6. */
export function isPublic({ address, family }: LookupAddress): boolean {
  const plain = address.replace(/%.*$/, '');
  if (family === 4) return !refused.check(plain, 'ipv4');
  return global.check(plain, 'ipv6') && !refused.check(plain, 'ipv6');
}
