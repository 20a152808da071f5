import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { signIn, visit } from '../helpers/auth/oauth-requests.ts';
import { connectBySignIn } from '../helpers/auth/sdk-client.ts';
import { PASSWORD, PERSON } from '../helpers/auth/sign-in-server.ts';
import { startSignInServers, stopSignInServers } from '../helpers/auth/sign-in-servers.ts';
import { httpClient } from '../helpers/http-client.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

const FOUR_MINUTES = 240_000;

/** Options of Node.js that set the clock of a process ahead. */
function clockAhead(milliseconds: number): Record<string, string> {
  const file = join(temporaryFolder(), 'clock.mjs');
  writeFileSync(
    file,
    `const RealDate = Date;
    globalThis.Date = class extends RealDate {
      constructor(...parts) { if (parts.length === 0) super(RealDate.now() + ${milliseconds}); else super(...parts); }
      static now() { return RealDate.now() + ${milliseconds}; }
    };`,
  );
  return { NODE_OPTIONS: `--import ${pathToFileURL(file).href}` };
}

const person = async (url: URL): Promise<URL> => (await visit(url)).url;
const bearer = (value: string) => ({ Authorization: `Bearer ${value}` });

await describeWithPostgres('two servers whose clocks differ by four minutes', (server) => {
  test('let people sign in, and tokens end with a new password', async () => {
    const servers = await startSignInServers(server(), [{}, clockAhead(FOUR_MINUTES)]);
    onTestFinished(() => stopSignInServers(servers));
    const { call } = await connectBySignIn(servers.balancer.address, person);
    for (const text of ['one', 'two']) expect((await call('memory_add', { text })).isError).toBe(false);
    // Each part of a sign-in on the server that did not do the part before, in both orders.
    const [slow, fast] = servers.replicas.map(({ address }) => address);
    for (const order of [
      [slow, fast],
      [fast, slow],
    ] as [string, string][]) {
      servers.balancer.servers = order;
      const tokens = await signIn(servers.balancer.address);
      for (const address of order) {
        expect((await httpClient(address, bearer(tokens.accessToken)).get('/stats')).status).toBe(200);
      }
      const { code } = await runProgram(['account', 'password', PERSON, '--password-stdin'], {
        ...{ dataDir: servers.elsewhere, env: servers.env, input: `${PASSWORD}\n` },
      });
      expect(code).toBe(0);
      for (const address of order) {
        expect((await httpClient(address, bearer(tokens.accessToken)).get('/stats')).status).toBe(401);
      }
    }
  });
});
