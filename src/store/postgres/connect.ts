import type * as pg from 'pg';
import type { Client, ClientConfig } from 'pg';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import { reasonOf } from '../../util/caught.ts';
import { settleWithin } from '../../util/concurrency.ts';
import { loadOptionalPackage } from '../../util/load-optional-package.ts';
import type { DatabaseAddress, DatabaseHost } from './database-url.ts';
import { isAnswer, refused, unreachable } from './postgres-errors.ts';

/** Once one of several servers can be used, the others have so long to show that they are the better choice. */
const CHOICE_MS = 500;

/** A server that can be used. */
interface Candidate {
  readonly client: Client;
  /** Rises with each promotion of a standby. */
  readonly timeline: number;
}

/**
 * Opens a connection to the database. Of several servers it takes the one that accepts writes; if two do, because an old
 * primary came back after a failover, the one that was promoted last.
 * @param listen called with each connection before it is opened
 */
export async function connect(address: DatabaseAddress, listen: (client: Client) => void): Promise<Client> {
  const { hosts, location } = address;
  const { Client: DriverClient } = await loadDriver(location);
  const open = async (host: DatabaseHost): Promise<Candidate> => {
    const binding = { offered: false };
    const client = new DriverClient(configOf(address, host, binding));
    listen(client);
    connectionOf(client).on('authenticationSASL', ({ mechanisms }) => {
      binding.offered = mechanisms.includes('SCRAM-SHA-256-PLUS');
    });
    try {
      await client.connect();
      if (address.channelBinding === 'require' && !binding.offered) throw unbound(location);
      const timeline = address.writable ? await timelineOf(client, address.connectTimeoutMs) : 0;
      return { client, timeline };
    } catch (error) {
      destroy(client);
      throw error;
    }
  };
  const opening = hosts.map(open);
  try {
    await Promise.any(opening);
  } catch (error) {
    // `Promise.any` rejects with the reasons in the order of the hosts.
    throw refusedByAll(address, (error as AggregateError).errors);
  }
  return choose(opening, address.writable ? CHOICE_MS : 0);
}

/** At least one of them is open. The others are closed, those that open later too. */
async function choose(opening: readonly Promise<Candidate>[], waitMs: number): Promise<Client> {
  const end = performance.now() + waitMs;
  const ready: Candidate[] = [];
  for (const candidate of opening) {
    const found = await settleWithin(candidate, Math.max(0, end - performance.now())).catch(() => undefined);
    if (found !== undefined) ready.push(found);
  }
  const best = ready.sort((a, b) => b.timeline - a.timeline)[0] ?? (await Promise.any(opening));
  for (const candidate of opening) {
    candidate.then(
      ({ client }) => {
        if (client !== best.client) destroy(client);
      },
      () => undefined,
    );
  }
  return best.client;
}

/** @throws Error when the server takes no writes, or does not answer in time */
async function timelineOf(client: Client, withinMs: number): Promise<number> {
  const ask = async (): Promise<number> => {
    const { rows } = await client.query<{ off: boolean }>(
      `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS off`,
    );
    if (rows[0]?.off !== false) throw new Error('it is read-only');
    const name = `SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer AS timeline`;
    // Services that speak the protocol of PostgreSQL may have no timelines.
    const found = await client.query<{ timeline: number }>(name).catch(() => null);
    return found?.rows[0]?.timeline ?? 0;
  };
  const timeline = await settleWithin(ask(), withinMs);
  if (timeline === undefined) throw new Error('it accepts connections and does not answer');
  return timeline;
}

/** An answer of a server says more than that it cannot be reached, unless another one would answer differently. */
function refusedByAll({ hosts, location }: DatabaseAddress, errors: readonly unknown[]): unknown {
  const [first] = errors;
  if (errors.every((error) => isAnswer(error) || error instanceof FaissMemoryError)) return first;
  const reasons = errors.map((error, index) => {
    const { host = '', port = 0 } = hosts[index] ?? {};
    return hosts.length === 1 ? said(error) : `${host}:${port}: ${said(error)}`;
  });
  return unreachable(location, reasons.join('; '), first);
}

/** The reasons of all addresses of a name are one error without a message. */
function said(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  return reasonOf(error);
}

function configOf(
  address: DatabaseAddress,
  { host, port }: DatabaseHost,
  binding: { readonly offered: boolean },
): ClientConfig {
  const { user, password, database, tls, applicationName, connectTimeoutMs, location } = address;
  return {
    ...{ host, port, user, database },
    // As a function, because the driver looks for an empty one in files of the user. It is called if the server asks.
    password: () => {
      if (address.channelBinding === 'require' && !binding.offered) throw unbound(location);
      if (password === undefined || password === '') throw withoutPassword(location);
      return password;
    },
    // The certificate of a server without a name is compared with its address.
    ssl: tls === false || host.startsWith('/') ? false : { ...tls, host },
    enableChannelBinding: address.channelBinding !== 'disable',
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: applicationName,
    keepAlive: true,
  };
}

function unbound(location: string): StoreUnavailableError {
  return refused(
    `The database ${location} does not offer channel_binding, which its address requires`,
    'Let the server ask for passwords with scram-sha-256 and nothing but it be between, or write channel_binding=prefer.',
  );
}

function withoutPassword(location: string): StoreUnavailableError {
  return refused(
    `The database ${location} wants a password, and its address has none`,
    'Write it into MEMORY_DATABASE_URL: postgres://user:password@host/database.',
  );
}

/** The members of a connection for which the driver has no types. */
interface DriverConnection {
  on(
    event: 'authenticationSASL',
    listener: (message: { readonly mechanisms: readonly string[] }) => void,
  ): void;
  readonly stream: { destroy(): void };
}

function connectionOf(client: Client): DriverConnection {
  return (client as unknown as { connection: DriverConnection }).connection;
}

/** Closes a connection without the goodbye of the protocol, which could wait for an answer. */
export function destroy(client: Client): void {
  connectionOf(client).stream.destroy();
}

export function loadDriver(location: string): Promise<typeof pg> {
  return loadOptionalPackage({
    name: 'pg',
    major: 8,
    load: () => import('pg'),
    toError: ({ problem, fix, cause }) =>
      new StoreUnavailableError(`The database ${location} cannot be used: ${problem}`, { fix, cause }),
  });
}
