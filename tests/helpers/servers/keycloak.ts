import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { startServer } from './server-process.ts';

const ADMIN = { username: 'admin', password: 'a password for tests' };

/** A Keycloak in development mode: the folder of its distribution in `KEYCLOAK_HOME`; Java runs it. */
export interface Keycloak {
  readonly address: string;
  /** Makes a realm of its own. @param realm as Keycloak exports it, without its name. @returns its issuer */
  createRealm(realm: object): Promise<string>;
  stop(): Promise<void>;
}

export function keycloakFolder(): string | undefined {
  const folder = process.env['KEYCLOAK_HOME'] ?? '';
  return folder === '' ? undefined : folder;
}

/** True when CI insists on Keycloak: a missing one fails instead of being left out. */
export function isKeycloakRequired(): boolean {
  const names = (process.env['REQUIRE_SERVERS'] ?? '').split(',').map((name) => name.trim());
  return names.includes('keycloak') || names.includes('all');
}

export async function startKeycloak(folder: string): Promise<Keycloak> {
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const server = await startServer({
    program: join(folder, 'bin', 'kc.sh'),
    arguments: ['start-dev', `--http-port=${port}`, '--http-host=127.0.0.1', '--db=dev-mem'],
    environment: {
      KC_BOOTSTRAP_ADMIN_USERNAME: ADMIN.username,
      KC_BOOTSTRAP_ADMIN_PASSWORD: ADMIN.password,
    },
    isReady: async () => (await fetch(`${address}/realms/master`)).ok,
    startMs: 400_000,
  });
  return {
    address,
    createRealm: async (realm) => {
      const name = `realm-${randomBytes(4).toString('hex')}`;
      const headers = {
        Authorization: `Bearer ${await adminToken(address)}`,
        'Content-Type': 'application/json',
      };
      const body = JSON.stringify({ realm: name, enabled: true, sslRequired: 'none', ...realm });
      const made = await fetch(`${address}/admin/realms`, { method: 'POST', headers, body });
      if (made.status !== 201) throw new Error(`no realm: ${made.status} ${await made.text()}`);
      return `${address}/realms/${name}`;
    },
    stop: async () => {
      // Java is a child of the script, unless the script has become it.
      const children = childrenOf(server.process.pid);
      await server.stop();
      for (const child of children) process.kill(child, 'SIGKILL');
    },
  };
}

function childrenOf(id = 0): number[] {
  const list = `/proc/${id}/task/${id}/children`;
  if (!existsSync(list)) return [];
  return readFileSync(list, 'utf8')
    .split(' ')
    .map(Number)
    .filter((child) => child > 0);
}

async function adminToken(address: string): Promise<string> {
  const answer = await fetch(`${address}/realms/master/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', ...ADMIN }),
  });
  const { access_token: token } = (await answer.json()) as { access_token?: string };
  if (token === undefined) throw new Error(`Keycloak gives no token: ${answer.status}`);
  return token;
}
