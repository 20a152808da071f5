import { BlockList, isIP } from 'node:net';

/** A proxy from the environment. */
export interface Proxy {
  readonly url: URL;
  /** The environment variable that names it. */
  readonly variable: string;
  /** Its address to show to people, without user name and password. */
  readonly shown: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for an address, from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`. As in curl, the lower-case
 * names come first. This machine's own addresses (localhost, 127.0.0.0/8, ::1) go through a proxy only when it runs on
 * this machine, because any other proxy would connect to itself. SOCKS proxies are ignored.
 */
export function findProxy(address: string, environment: Environment = process.env): Proxy | undefined {
  if (!URL.canParse(address)) return undefined;
  const target = new URL(address);
  const scheme = target.protocol.slice(0, -1);
  for (const name of [`${scheme}_proxy`, 'all_proxy']) {
    for (const variable of [name, name.toUpperCase()]) {
      const url = proxyUrl(environment[variable]);
      if (url === undefined) continue;
      if (goesDirectly(target, url, environment)) return undefined;
      const user = url.username === '' ? '' : '***@';
      return { url, variable, shown: `${url.protocol}//${user}${url.host}` };
    }
  }
  return undefined;
}

function proxyUrl(value: string | undefined): URL | undefined {
  const text = value?.trim() ?? '';
  if (text === '') return undefined;
  const full = text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(full)) return undefined;
  const url = new URL(full);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined;
}

function goesDirectly(target: URL, proxy: URL, environment: Environment): boolean {
  if (isLoopback(hostOf(target)) && !isLoopback(hostOf(proxy))) return true;
  const exceptions = environment['no_proxy'] ?? environment['NO_PROXY'] ?? '';
  return exceptions
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => matches(target, entry.toLowerCase()));
}

function matches(target: URL, entry: string): boolean {
  const host = hostOf(target);
  if (entry === '*') return true;
  if (entry.includes('/')) return isInNetwork(host, entry);
  const [, name = entry, port] = /^(.*?)(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
  if (port !== undefined && port !== portOf(target)) return false;
  const domain = name.replace(/^\[(.*)\]$/, '$1').replace(/^\*?\./, '');
  return host === domain || host.endsWith(`.${domain}`);
}

function isInNetwork(host: string, network: string): boolean {
  const [address = '', bits = ''] = network.split('/');
  const version = isIP(address);
  if (version === 0 || isIP(host) !== version || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (version === 4 ? 32 : 128)) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family);
  return list.check(host, family);
}

/** True for an address of this machine itself. */
export function isLoopbackAddress(url: URL): boolean {
  return isLoopback(hostOf(url));
}

function isLoopback(host: string): boolean {
  return (
    host === 'localhost' || host.endsWith('.localhost') || host === '::1' || isInNetwork(host, '127.0.0.0/8')
  );
}

/** The host in lower case, without the brackets of an IPv6 address and without a dot at the end. */
export function hostOf(url: URL): string {
  return url.hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

/** The port, also where the address has none. */
export function portOf(url: URL): string {
  return url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
}

/** A proxy cannot be reached, asks for a password or refuses the address. */
export class ProxyError extends Error {
  readonly code = 'ERR_PROXY';
  readonly fix: string;

  constructor(
    proxy: Proxy,
    problem: string,
    options: { readonly fix?: string; readonly cause?: unknown } = {},
  ) {
    super(`the proxy ${proxy.shown} ${problem}`, { cause: options.cause });
    this.fix =
      options.fix ?? `Correct ${proxy.variable}, or name the host in NO_PROXY to reach it without a proxy.`;
  }
}

/** The error when the proxy itself refused (HTTP 407); undefined when the answer may be the server's. */
export function proxyRefusal(proxy: Proxy, status: number | undefined): ProxyError | undefined {
  if (status !== 407) return undefined;
  const fix = `Put user name and password into ${proxy.variable}: http://user:password@host:port, with special characters as %40 and so on.`;
  return new ProxyError(proxy, 'wants a user name and a password (HTTP 407)', { fix });
}

/** The header `Proxy-Authorization` when the proxy's address has a user name; else no header. */
export function proxyHeaders({ url }: Proxy): Record<string, string> {
  if (url.username === '') return {};
  const pair = `${decoded(url.username)}:${decoded(url.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** A percent sign that begins no code stands for itself. */
function decoded(part: string): string {
  return decodeURIComponent(part.replace(/%(?![0-9a-f]{2})/gi, '%25'));
}
