import { isIP } from 'node:net';
import type { MiddlewareHandler } from 'hono';
import { RequestRefusedError } from '../../errors/input-errors.ts';
import { hostName, printable } from '../../util/text.ts';
import type { HttpEnvironment } from '../http-environment.ts';
import { isLoopback } from './host-names.ts';

export interface HostRules {
  /** What the server listens at. */
  readonly host: string;
  readonly allowedHosts: readonly string[];
}

/**
 * Lets in only requests that call the server by a name of its own, so that no page can reach it by a name that it
 * points here (DNS rebinding). Numeric addresses are no names: no page can make them its own origin, so a server of
 * the network answers to them.
 */
export function hostGuard(rules: HostRules): MiddlewareHandler<HttpEnvironment> {
  const allows = hostRule(rules);
  return async (context, next) => {
    const header = context.req.header('host') ?? '';
    const name = hostName(header);
    if (name === undefined || !allows(name)) {
      throw new RequestRefusedError(
        'HOST_NOT_ALLOWED',
        `This server does not go by the name ${JSON.stringify(printable((name ?? header).slice(0, 100)))}`,
        { fix: 'Call it by its own name, or add this one to MEMORY_HTTP_ALLOWED_HOSTS.' },
      );
    }
    await next();
  };
}

function hostRule({ host, allowedHosts }: HostRules): (name: string) => boolean {
  const names = new Set([...allowedHosts, host.toLowerCase()]);
  const numeric = isLoopback(host) ? isLoopback : (name: string) => isIP(name) !== 0 || isLoopback(name);
  return (name) => names.has(name) || numeric(name);
}
