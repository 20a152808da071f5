import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchServer, type RunningHttpServer } from '../http-server.ts';
import { runProgram } from '../run-program.ts';
import { freePort } from '../servers/free-port.ts';

export const PERSON = 'Ada';
export const PASSWORD = 'correct horse battery staple';

/** Runs a server with its own authorization server, and one account. Its address is its public address. */
export async function launchSignInServer(
  env: Readonly<Record<string, string>> = {},
): Promise<RunningHttpServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'faiss-memory-auth-'));
  await addAccount(dataDir, PERSON);
  const server = await launchServer({
    dataDir,
    args: ['--port', String(await freePort())],
    env: { MEMORY_AUTH: 'embedded', ...env },
  });
  return {
    ...server,
    stop: async () => {
      const code = await server.stop();
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
      return code;
    },
  };
}

export async function addAccount(
  dataDir: string,
  name: string,
  options: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const args = ['account', 'add', name, '--password-stdin', ...options];
  const { code, stderr } = await runProgram(args, { dataDir, env, input: `${PASSWORD}\n` });
  if (code !== 0) throw new Error(`there is no account: ${stderr}`);
}
