import { absoluteVariable, homeOf, pathsOf } from '../../config/environment.ts';
import type { ClientDescription, ClientMachine } from './client.ts';

export const codex: ClientDescription = {
  name: 'codex',
  title: 'Codex',
  format: 'toml',
  section: 'mcp_servers',
  file: (machine) => pathsOf(machine).join(folder(machine), 'config.toml'),
  evidence: folder,
  withType: false,
  afterwards: 'Start Codex again; /mcp shows the server.',
};

function folder(machine: ClientMachine): string {
  return absoluteVariable(machine, 'CODEX_HOME') ?? pathsOf(machine).join(homeOf(machine), '.codex');
}
