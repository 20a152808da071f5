import { claudeCode } from './claude-code.ts';
import { claudeDesktop } from './claude-desktop.ts';
import type { ClientDescription } from './client.ts';
import { codex } from './codex.ts';
import { cursor } from './cursor.ts';
import { vsCode } from './vs-code.ts';
import { windsurf } from './windsurf.ts';

/** The clients whose configuration init and doctor know. */
export const clientList: readonly ClientDescription[] = [
  claudeDesktop,
  claudeCode,
  cursor,
  vsCode,
  codex,
  windsurf,
];
