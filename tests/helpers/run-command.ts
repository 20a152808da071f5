import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { App } from '../../src/app.ts';
import type { CommandContext, CommandDeclaration, CommandOutcome } from '../../src/cli/command.ts';
import type { Host } from '../../src/cli/host.ts';
import { Output } from '../../src/cli/output.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import type { FakeServices } from './fake-services.ts';

export interface CommandRun {
  readonly outcome: CommandOutcome;
  readonly stderr: string;
}

/** Runs one command line on services that a test programs. `answer` is what a person at a terminal types. */
export async function runCommand(
  argv: readonly string[],
  services: FakeServices,
  options: { readonly answer?: string; readonly signal?: AbortSignal } = {},
): Promise<CommandRun> {
  const parsed = parseCommandLine(argv);
  if (typeof parsed === 'string') throw new TypeError(`help was printed: ${parsed}`);
  const interactive = options.answer !== undefined;
  const stderr = Object.assign(new PassThrough(), { isTTY: interactive });
  const host: Host = {
    env: {},
    platform: 'linux',
    homeDirectory: '/home/ada',
    workingDirectory: '/home/ada',
    stdin: Object.assign(new PassThrough(), { isTTY: interactive }),
    stdout: Object.assign(new PassThrough(), { columns: 60 }),
    stderr,
  };
  host.stdin.push(options.answer ?? null);
  const config = resolveConfig(host);
  const context: CommandContext = {
    host,
    output: new Output(host, { json: parsed.globals.json }),
    signal: options.signal ?? new AbortController().signal,
    config: () => config,
    configWith: () => config,
    // What these commands use of the app.
    app: () => Promise.resolve({ ...services, settings: config.settings } as unknown as App),
    grammar: () => ({ options: [], commands: [] }),
    releaseSignals: () => undefined,
    flagValues: {},
  };
  try {
    const outcome = await run(parsed.command, context, parsed);
    stderr.end();
    return { outcome, stderr: await text(stderr) };
  } finally {
    stderr.end();
  }
}

async function run(
  command: CommandDeclaration,
  context: CommandContext,
  input: Pick<Exclude<ReturnType<typeof parseCommandLine>, string>, 'args' | 'options'>,
): Promise<CommandOutcome> {
  const outcome = await command.run(context, input);
  if (outcome === undefined) throw new TypeError(`${command.name} gave no result`);
  return outcome;
}
