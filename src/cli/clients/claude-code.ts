import { absoluteVariable, homeOf, pathsOf } from '../../config/environment.ts';
import type { ClientDescription, ClientMachine } from './client.ts';

export const claudeCode: ClientDescription = {
  name: 'claude-code',
  title: 'Claude Code',
  format: 'json',
  section: 'mcpServers',
  file,
  evidence: file,
  withType: true,
  afterwards: 'Start a new Claude Code session; /mcp shows the server.',
};

/** User scope: for all projects. */
function file(machine: ClientMachine): string {
  const folder = absoluteVariable(machine, 'CLAUDE_CONFIG_DIR') ?? homeOf(machine);
  return pathsOf(machine).join(folder, '.claude.json');
}
