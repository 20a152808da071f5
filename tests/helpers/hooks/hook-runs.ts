import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { openMemory, type AddInput } from '../../../src/index.ts';
import { PROGRAM, serverEnvironment } from '../mcp/server-environment.ts';

export interface HookRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What reaches the model; empty = nothing. */
  readonly context: string;
}

export interface HookOptions {
  readonly dataDir: string;
  readonly client?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a hook of the built program as a client does: without a shell, with JSON on stdin. */
export async function runHookProgram(
  event: string,
  input: unknown,
  { dataDir, client = 'claude-code', env = {} }: HookOptions,
): Promise<HookRun> {
  const child = spawn(process.execPath, [PROGRAM, 'hook', event, '--client', client], {
    env: serverEnvironment(dataDir, { MEMORY_PROJECT: '', ...env }),
    shell: false,
  });
  child.stdin.on('error', () => undefined).end(typeof input === 'string' ? input : JSON.stringify(input));
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr, context: contextIn(stdout) };
}

function contextIn(stdout: string): string {
  if (stdout === '') return '';
  const { hookSpecificOutput, additional_context: plain } = JSON.parse(stdout) as {
    readonly hookSpecificOutput?: { readonly additionalContext: string };
    readonly additional_context?: string;
  };
  return hookSpecificOutput?.additionalContext ?? plain ?? '';
}

/** Memories where the programs of a test have them, without vectors. */
export async function addMemories(dataDir: string, memories: readonly AddInput[]): Promise<void> {
  const memory = openMemory({
    dataDir: join(dataDir, 'memories'),
    settings: { embedding: { provider: 'none' } },
    background: false,
  });
  for (let start = 0; start < memories.length; start += 100)
    await memory.add({ memories: memories.slice(start, start + 100), onDuplicate: 'add' });
  await memory.close();
}

/** Texts of the turns that were kept, in their order. */
export async function keptTurns(dataDir: string, session: string): Promise<string[]> {
  const memory = openMemory({
    dataDir: join(dataDir, 'memories'),
    settings: { embedding: { provider: 'none' } },
    background: false,
  });
  const { memories } = await memory.list({ filter: { session }, order: 'position', limit: 100 });
  await memory.close();
  return memories.map(({ text: kept }) => kept);
}

/** A transcript as Claude Code writes it. */
export function transcriptOf(session: string, folder: string, said: readonly string[]): string {
  return said
    .map((content, place) => {
      const type = place % 2 === 0 ? 'user' : 'assistant';
      return `${JSON.stringify({
        parentUuid: null,
        isSidechain: false,
        type,
        message: { role: type, content },
        uuid: `8ae4ca08-bcb6-44f4-b055-397fe94e1f${String(place).padStart(2, '0')}`,
        timestamp: new Date(Date.UTC(2026, 4, 3, 10, 0, place)).toISOString(),
        cwd: folder,
        sessionId: session,
        version: '2.1.332',
      })}\n`;
    })
    .join('');
}

/**
 * Variables for a program that notes in a file which worker threads it starts.
 * @returns the variables and the path of the file
 */
export function notingThreads(folder: string): {
  readonly env: Record<string, string>;
  readonly file: string;
} {
  const file = join(folder, 'threads.txt');
  writeFileSync(file, '');
  const preload = `
    import threads from 'node:worker_threads';
    import { syncBuiltinESMExports } from 'node:module';
    import { appendFileSync } from 'node:fs';
    threads.Worker = class extends threads.Worker {
      constructor(file, options) {
        super(file, options);
        appendFileSync(${JSON.stringify(file)}, String(file) + '\\n');
      }
    };
    syncBuiltinESMExports();`;
  return {
    file,
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` },
  };
}
