import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { pathsOf } from '../../config/environment.ts';
import type { ClientDescription, ClientMachine } from '../clients/client.ts';
import { clientList } from '../clients/client-list.ts';
import { editorFor } from '../clients/editor-for.ts';
import { SERVER_NAME } from '../clients/server-entry.ts';
import type { Host } from '../host.ts';
import type { Check, Finding } from './check.ts';

const NAME = 'clients';

/** Which clients have the server, and can they start it? */
export const clientsCheck: Check = {
  name: NAME,
  waitsFor: { what: 'the files of the clients', fix: 'Check that the home folder answers.' },
  run: ({ host }) => {
    const machine: ClientMachine = { ...host, listFolder };
    const findings = clientList.flatMap((client) => checkClient(client, machine, host));
    if (findings.length > 0) return Promise.resolve(findings);
    const fix = 'Run "faiss-memory init".';
    return Promise.resolve([
      { check: NAME, status: 'warn', message: 'no client has the server configured', fix },
    ]);
  },
};

function listFolder(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function checkClient(client: ClientDescription, machine: ClientMachine, host: Host): Finding[] {
  const file = client.file(machine);
  if (!existsSync(file)) return [];
  const check = client.title;
  try {
    const servers = editorFor(client).servers(readFileSync(file, 'utf8'));
    if (!Object.hasOwn(servers, SERVER_NAME)) return [];
    const command = commandOf(servers[SERVER_NAME]);
    if (command !== undefined && commandExists(host, command)) {
      return [{ check, status: 'ok', message: `configured in ${file}, starts ${command}` }];
    }
    const message = `${file} starts ${command ?? 'nothing'}, which is not there`;
    return [{ check, status: 'warn', message, fix: `Run "faiss-memory init --client ${client.name}".` }];
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return [
      { check, status: 'warn', message: `${file} ${problem}`, fix: 'Correct the file; its client reads it.' },
    ];
  }
}

function commandOf(server: unknown): string | undefined {
  if (typeof server !== 'object' || server === null || !('command' in server)) return undefined;
  return typeof server.command === 'string' ? server.command : undefined;
}

/** As a shell would find it; clients with a smaller PATH than this one may still fail. */
function commandExists(host: Host, command: string): boolean {
  const paths = pathsOf(host);
  if (paths.isAbsolute(command)) return existsSync(command);
  const endings = host.platform === 'win32' ? ['.exe', '.cmd', ''] : [''];
  const folders = (host.env['PATH'] ?? host.env['Path'] ?? '').split(paths.delimiter);
  return folders.some((folder) => endings.some((ending) => existsSync(paths.join(folder, command + ending))));
}
