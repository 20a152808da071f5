import { absoluteVariable, homeOf, pathsOf } from '../../config/environment.ts';
import type { ClientDescription, ClientMachine } from './client.ts';

export const vsCode: ClientDescription = {
  name: 'vs-code',
  title: 'VS Code',
  format: 'json',
  section: 'servers',
  file: (machine) => pathsOf(machine).join(folder(machine), 'mcp.json'),
  evidence: folder,
  withType: true,
  afterwards: 'Start the server in VS Code with "MCP: List Servers", or restart VS Code.',
};

/** The default profile. */
function folder(machine: ClientMachine): string {
  const paths = pathsOf(machine);
  const home = homeOf(machine);
  const base =
    machine.platform === 'win32'
      ? (absoluteVariable(machine, 'APPDATA') ?? paths.join(home, 'AppData', 'Roaming'))
      : machine.platform === 'darwin'
        ? paths.join(home, 'Library', 'Application Support')
        : (absoluteVariable(machine, 'XDG_CONFIG_HOME') ?? paths.join(home, '.config'));
  return paths.join(base, 'Code', 'User');
}
