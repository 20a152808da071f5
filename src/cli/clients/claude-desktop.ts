import { absoluteVariable, homeOf, pathsOf } from '../../config/environment.ts';
import type { ClientDescription, ClientMachine } from './client.ts';

export const claudeDesktop: ClientDescription = {
  name: 'claude-desktop',
  title: 'Claude Desktop',
  format: 'json',
  section: 'mcpServers',
  file: (machine) => pathsOf(machine).join(folder(machine), 'claude_desktop_config.json'),
  evidence: folder,
  withType: false,
  afterwards: 'Quit Claude Desktop completely and start it again.',
};

function folder(machine: ClientMachine): string {
  const paths = pathsOf(machine);
  const home = homeOf(machine);
  if (machine.platform === 'darwin') return paths.join(home, 'Library', 'Application Support', 'Claude');
  if (machine.platform !== 'win32') {
    return paths.join(absoluteVariable(machine, 'XDG_CONFIG_HOME') ?? paths.join(home, '.config'), 'Claude');
  }
  return packagedFolder(machine) ?? paths.join(roaming(machine), 'Claude');
}

function roaming(machine: ClientMachine): string {
  return absoluteVariable(machine, 'APPDATA') ?? pathsOf(machine).join(homeOf(machine), 'AppData', 'Roaming');
}

/** The packaged app (MSIX, the default installer since 2026) never sees the plain folder, only its own copy. */
function packagedFolder(machine: ClientMachine): string | undefined {
  const paths = pathsOf(machine);
  const local = absoluteVariable(machine, 'LOCALAPPDATA') ?? paths.join(homeOf(machine), 'AppData', 'Local');
  const packages = paths.join(local, 'Packages');
  const name = machine.listFolder(packages).find((entry) => entry.startsWith('Claude_'));
  return name === undefined ? undefined : paths.join(packages, name, 'LocalCache', 'Roaming', 'Claude');
}
