import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';

/** The built program; without arguments and without a terminal it serves MCP over stdio. */
export const PROGRAM = resolve('dist/bin/faiss-memory.js');

/** An empty folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-mcp-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return folder;
}

/**
 * All that a server process gets: its own data folder (and the folder without which Windows starts nothing), no configuration of the machine, and no model unless a
 * test asks for one.
 */
export function serverEnvironment(
  dataDir: string,
  overrides: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    ...(process.env['SystemRoot'] === undefined ? {} : { SystemRoot: process.env['SystemRoot'] }),
    HOME: dataDir,
    XDG_CONFIG_HOME: join(dataDir, 'no-config'),
    MEMORY_DATA_DIR: join(dataDir, 'memories'),
    MEMORY_EMBEDDING_PROVIDER: 'none',
    // The tests run in a repository, whose name is not the same everywhere.
    MEMORY_PROJECT: '*',
    ...overrides,
  };
}

/** Overrides that give the server the bundled model. */
export const WITH_MODEL = { MEMORY_EMBEDDING_PROVIDER: 'bundled' } as const;
