import { homeOf, pathsOf } from '../../config/environment.ts';
import type { ClientDescription } from './client.ts';

export const cursor: ClientDescription = {
  name: 'cursor',
  title: 'Cursor',
  format: 'json',
  section: 'mcpServers',
  file: (machine) => pathsOf(machine).join(homeOf(machine), '.cursor', 'mcp.json'),
  evidence: (machine) => pathsOf(machine).join(homeOf(machine), '.cursor'),
  withType: false,
  afterwards: 'Restart Cursor, or switch the server on under Settings, Tools & MCP.',
};
