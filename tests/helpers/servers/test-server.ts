import type { BlobSettings } from '../../../src/blob/blob-settings.ts';

/** Keys that every test server is started with, where it lets us choose. */
export const testKeys = { accessKey: 'test-access-key', secretKey: 'test-secret-key-0123456789' } as const;

/** A real object-store server, running on a loopback port for the length of a test file. */
export interface RunningServer {
  /** Settings for a bucket of this server; the bucket need not exist. */
  settings(bucket: string): BlobSettings;
  /** `host:port`, for proxies in between. */
  readonly address: { readonly host: string; readonly port: number };
  /** Ends the process at once, as a power cut would. Idempotent. */
  stop(): Promise<void>;
}

/** How to get at one kind of server. */
export interface TestServer {
  /** As in `REQUIRE_SERVERS`, for example `versitygw`. */
  readonly name: string;
  /** Started only when asked for by `TEST_SERVERS=all` or `REQUIRE_SERVERS`: it takes minutes or gigabytes. */
  readonly heavy: boolean;
  /** What starts it, or null with nothing to start. */
  find(): Promise<string | null>;
  /** @param program the answer of `find` */
  start(program: string): Promise<RunningServer>;
}

function namesIn(variable: string): string[] {
  return (process.env[variable] ?? '').split(',').map((name) => name.trim());
}

/** True when CI insists on this server: a missing one fails instead of being left out. */
export function isRequired(server: TestServer): boolean {
  return namesIn('REQUIRE_SERVERS').some((name) => name === server.name || name === 'all');
}

/** The program to start, or null when the server is not there or not wanted in this run. */
export async function findIfWanted(server: TestServer): Promise<string | null> {
  const chosen = namesIn('TEST_SERVERS');
  const wanted =
    !server.heavy || isRequired(server) || chosen.includes('all') || chosen.includes(server.name);
  return wanted ? server.find() : null;
}
