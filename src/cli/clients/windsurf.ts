import { homeOf, pathsOf } from '../../config/environment.ts';
import type { ClientDescription, ClientMachine } from './client.ts';

export const windsurf: ClientDescription = {
  name: 'windsurf',
  title: 'Windsurf',
  format: 'json',
  section: 'mcpServers',
  file: (machine) => pathsOf(machine).join(folder(machine), 'mcp_config.json'),
  evidence: folder,
  withType: false,
  afterwards: 'Press the refresh button in the MCP panel of Windsurf, or restart it.',
};

function folder(machine: ClientMachine): string {
  return pathsOf(machine).join(homeOf(machine), '.codeium', 'windsurf');
}
