import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { httpClient } from './http-client.ts';
import { launchServer, type RunningHttpServer } from './http-server.ts';
import { INITIALIZE } from './mcp/initialize-message.ts';
import { type CaddyServer, startCaddy } from './servers/caddy.ts';
import { freePort } from './servers/free-port.ts';
import { dataFolder } from './servers/server-process.ts';

export const COMPOSE_FILE = 'docker-compose.team.yml';

export interface ComposeService {
  readonly image?: string;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly command?: readonly string[];
  readonly stop_grace_period?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly deploy?: {
    readonly resources?: { readonly limits?: { readonly cpus?: string; readonly memory?: string } };
  };
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly secrets: Readonly<Record<string, { readonly file?: string }>>;
  readonly volumes: Readonly<Record<string, null>>;
}

/** The file as compose reads it. @param variables of the shell, for `${NAME}`, `${NAME:-default}`, `${NAME:?message}` */
export function readComposeFile(variables: Readonly<Record<string, string>>): ComposeFile {
  const text = readFileSync(COMPOSE_FILE, 'utf8').replaceAll(
    /\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (_, name: string, kind: string | undefined, rest: string | undefined) => {
      const value = variables[name] ?? (kind === '-' ? rest : undefined);
      if (value === undefined) throw new Error(`${name} is not set: ${rest ?? ''}`);
      return value;
    },
  );
  return parse(text, { merge: true }) as ComposeFile;
}

export interface ComposedParts {
  readonly caddy: string;
  /** Of the database that takes the place of the service `postgres`. */
  readonly databaseUrl: string;
}

const NAMES = ['memory-1', 'memory-2'] as const;
export type ReplicaName = (typeof NAMES)[number];
const TOKEN = 'the-token-of-the-composed-team';

/**
 * The services of the compose file as processes of this machine: the same programs with the same environment, where only
 * names of hosts, ports and paths of the containers are replaced. Without the model, which has tests of its own.
 */
export class ComposedTeam {
  readonly token = TOKEN;
  readonly #compose: ComposeFile;
  readonly #folder: { path: string; remove: () => Promise<void> };
  readonly #ports: ReadonlyMap<string, number>;
  readonly #running = new Map<ReplicaName, RunningHttpServer>();
  #caddy: CaddyServer | undefined;

  private constructor(
    compose: ComposeFile,
    folder: { path: string; remove: () => Promise<void> },
    ports: ReadonlyMap<string, number>,
  ) {
    this.#compose = compose;
    this.#folder = folder;
    this.#ports = ports;
  }

  static async start({ caddy, databaseUrl }: ComposedParts): Promise<ComposedTeam> {
    const compose = readComposeFile({ MEMORY_NAME: 'localhost' });
    const folder = await dataFolder('composed');
    writeFileSync(join(folder.path, 'database_url'), databaseUrl);
    writeFileSync(join(folder.path, 'faiss_memory_token'), TOKEN);
    const ports = new Map<string, number>();
    for (const name of NAMES) ports.set(name, await freePort());
    const team = new ComposedTeam(compose, folder, ports);
    await Promise.all(NAMES.map((name) => team.begin(name)));
    const environment = team.#environmentOf('caddy');
    const replicas = (environment['MEMORY_REPLICAS'] ?? '').replaceAll(
      /([\w-]+):8765/g,
      (_, name: string) => `127.0.0.1:${String(ports.get(name))}`,
    );
    team.#caddy = await startCaddy(caddy, 'deploy/Caddyfile', { ...environment, MEMORY_REPLICAS: replicas });
    return team;
  }

  /** Of the front door. */
  get address(): string {
    return this.#door.address;
  }

  get fetch(): typeof fetch {
    return this.#door.fetch;
  }

  get running(): readonly ReplicaName[] {
    return [...this.#running.keys()];
  }

  addressOf(name: ReplicaName): string {
    return `http://127.0.0.1:${String(this.#ports.get(name))}`;
  }

  /** Starts a replica. @param program default: the built one */
  async begin(name: ReplicaName, program?: string): Promise<void> {
    const server = await launchServer({
      ...(program === undefined ? {} : { program }),
      dataDir: join(this.#folder.path, name),
      env: this.#environmentOf(name),
      args: ['--host', '127.0.0.1', '--port', String(this.#ports.get(name))],
    });
    this.#running.set(name, server);
  }

  /** As an orchestrator stops a container: SIGTERM, then waits. */
  async end(name: ReplicaName): Promise<number | null> {
    const server = this.#running.get(name);
    this.#running.delete(name);
    return (await server?.stop()) ?? null;
  }

  async kill(name: ReplicaName): Promise<void> {
    this.#running.get(name)?.child.kill('SIGKILL');
    await this.end(name);
  }

  async stop(): Promise<void> {
    await this.#caddy?.stop();
    for (const name of NAMES) await this.kill(name);
    await this.#folder.remove();
  }

  get #door(): CaddyServer {
    if (this.#caddy === undefined) throw new Error('Caddy does not run');
    return this.#caddy;
  }

  /** Secrets are files in this folder. */
  #environmentOf(name: string): Record<string, string> {
    const given = this.#compose.services[name]?.environment ?? {};
    return Object.fromEntries(
      Object.entries(given).map(([variable, value]) => [
        variable,
        value.replace(/^\/run\/secrets\//, `${this.#folder.path}/`),
      ]),
    );
  }
}

/** How often Caddy found a replica ready since it was started; after some, it sends requests there. */
export async function looksOfCaddy(team: ComposedTeam, name: ReplicaName): Promise<number> {
  const { text } = await httpClient(team.addressOf(name), { Authorization: `Bearer ${team.token}` }).get(
    '/metrics',
  );
  const count = /duration_seconds_count\{method="GET",route="\/health\/ready",status="200"\} (\d+)/;
  return Number(count.exec(text)?.[1] ?? 0);
}

/** The replica where Caddy begins the sessions of clients of this machine. */
export async function homeOfSessions(team: ComposedTeam): Promise<ReplicaName> {
  const headers = { Authorization: `Bearer ${team.token}`, Accept: 'application/json, text/event-stream' };
  const begun = await httpClient(team.address, headers, team.fetch).post('/mcp', INITIALIZE);
  const session = { ...headers, 'Mcp-Session-Id': begun.headers.get('Mcp-Session-Id') ?? '' };
  for (const name of team.running) {
    const { status } = await httpClient(team.addressOf(name), session).remove('/mcp');
    if (status === 200 || status === 204) return name;
  }
  throw new Error(`No replica has the session that began with ${String(begun.status)}`);
}
