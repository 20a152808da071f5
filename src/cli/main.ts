import { resolveConfig } from '../config/resolve.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { exitCodeOf, EXIT_CODES, type ExitCode } from './exit-code.ts';
import type { Host } from './host.ts';
import { Output } from './output.ts';
import { serveStdio } from './serve-stdio.ts';

export { findHome } from './host.ts';
export { endProcess, watchUnfinishedWork } from '../util/process-end.ts';

/**
 * Entry of the command line. The call of an MCP client (no arguments, or just `serve`) goes straight to the
 * server, without loading the command-line parser. The build joins everything that is imported from here into one file.
 */
export async function main(argv: readonly string[], host: Host): Promise<ExitCode> {
  const startedByClient = argv.length === 0 && host.stdin.isTTY !== true;
  const plainServe = argv.length === 1 && argv[0] === 'serve';
  if (startedByClient || plainServe) return serve(host);
  const { runCommandLine } = await import('./run-command-line.ts');
  return runCommandLine(argv, host);
}

/** Says that the process ends before the command or the server was done: a fault of this program. */
export async function reportUnfinishedWork(argv: readonly string[], host: Host): Promise<ExitCode> {
  const called = argv.length === 0 ? 'serve' : argv.slice(0, 2).join(' ');
  const error = new FaissMemoryError(
    'INTERNAL',
    `"${called}" ended with work undone: nothing in the process was left that could finish it`,
    { fix: 'Look at the result with "faiss-memory list", run it again, and please report this.' },
  );
  await new Output(host, { json: argv.includes('--json') }).error(error, argv[0] === 'export');
  return EXIT_CODES.failure;
}

async function serve(host: Host): Promise<ExitCode> {
  try {
    await serveStdio(host, resolveConfig(host));
    return EXIT_CODES.ok;
  } catch (error) {
    await new Output(host, { json: false }).error(error, true);
    return exitCodeOf(error);
  }
}
