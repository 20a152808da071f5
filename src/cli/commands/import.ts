import { open, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { importData, MAX_LISTED_PROBLEMS } from '../../api/memory-answers.ts';
import { UsageError } from '../../errors/input-errors.ts';
import { importJsonLines } from '../../import-export/import-json-lines.ts';
import type { ImportProblem, ImportSummary } from '../../import-export/import-report.ts';
import { visibleLine } from '../../util/visible-text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  defineCommand,
  embedBeforeExit,
  missingData,
  type MissingEmbeddings,
  missingText,
  toggle,
  value,
} from '../command.ts';
import { EXIT_CODES } from '../exit-code.ts';
import type { Host } from '../host.ts';
import { cannotWrite } from '../option-values.ts';
import { count } from '../render.ts';

const KIBIBYTE = 1_024;
const MEBIBYTE = KIBIBYTE ** 2;
const MIN_LINE_BYTES = 16 * MEBIBYTE;
/** A UTF-16 unit of a text takes at most so many bytes in JSON: an escape such as \u0000. */
const BYTES_PER_UNIT = 6;

export const importCommand = defineCommand({
  name: 'import',
  summary: 'take memories from JSON lines',
  details:
    'A line that cannot be imported is reported and stops nothing; the exit code is then 1. The same file can be ' +
    'imported again at any time, after an interruption too: nothing is added twice.',
  arguments: [{ name: '<file>', doc: 'one memory a line; - reads stdin' }],
  options: {
    overwrite: toggle('--overwrite', 'lines replace memories that have their id and other content'),
    rejects: value('--rejects <file>', 'write the lines that were not imported to this file'),
  },
  examples: [
    ['faiss-memory import memories.jsonl', 'an export, or a file made by hand'],
    ['faiss-memory import old.jsonl --rejects rejects.jsonl', 'keep what was not taken'],
    [`echo '{"text":"Ann prefers tea."}' | faiss-memory import -`, 'from another program'],
  ],
  writes: () => true,
  run: async (context, { args: [name = '-'], options }) => {
    const source = await openImportSource(context.host, name, context.signal);
    try {
      const rejects =
        options.rejects === undefined
          ? undefined
          : await openRejectsFile(context.host, options.rejects, name);
      try {
        return await importFrom(context, { source, rejects, overwrite: options.overwrite });
      } finally {
        await rejects?.close();
      }
    } finally {
      await source.close();
    }
  },
});

interface ImportRequest {
  readonly source: ImportSource;
  readonly rejects: RejectsFile | undefined;
  readonly overwrite: boolean;
}

async function importFrom(context: CommandContext, request: ImportRequest): Promise<CommandOutcome> {
  const app = await context.app();
  const problems: ImportProblem[] = [];
  const summary = await readLines(context, request, (problem) => {
    if (problems.length < MAX_LISTED_PROBLEMS) problems.push(problem);
  });
  const missing = summary.completed ? await embedBeforeExit(app, context.signal) : undefined;
  const complete = summary.completed && summary.rejected + summary.conflicts === 0;
  return {
    data: { ...importData(summary, problems), ...(missing && missingData(missing)) },
    text: describe(summary, missing),
    exitCode: complete ? EXIT_CODES.ok : EXIT_CODES.failure,
  };
}

async function readLines(
  context: CommandContext,
  { source, rejects, overwrite }: ImportRequest,
  onProblem: (problem: ImportProblem) => void,
): Promise<ImportSummary> {
  const { memory, settings } = await context.app();
  const progress = context.output.progress('Importing, KiB');
  const onConflict = overwrite ? 'overwrite' : 'keep';
  try {
    return await importJsonLines({
      bytes: source.bytes,
      importBatch: (drafts) => memory.importBatch(drafts, { onConflict }),
      signal: context.signal,
      maxLineBytes: Math.max(MIN_LINE_BYTES, BYTES_PER_UNIT * settings.textLimit + MEBIBYTE),
      onReject: rejects === undefined ? undefined : (bytes) => rejects.write(bytes),
      onProgress: ({ bytes }) => {
        const total = source.size === undefined ? undefined : Math.ceil(source.size / KIBIBYTE);
        progress.update({ done: Math.ceil(bytes / KIBIBYTE), total });
      },
      onProblem: (problem) => {
        progress.finish();
        context.output.note(`line ${problem.line}: ${visibleLine(problem.problem)}`);
        onProblem(problem);
      },
    });
  } finally {
    progress.finish();
  }
}

function describe(summary: ImportSummary, missing: MissingEmbeddings | undefined): string {
  const { added, existing, gained, updated, conflicts, rejected, masked, moved, ignored } = summary;
  const lines = [
    `${count(added, 'memory', 'memories')} added, ${updated} updated, ${existing} already there, ` +
      `${count(conflicts, 'conflict')}, ${rejected} rejected.`,
  ];
  if (gained > 0) {
    lines.push(`${gained} of those already there took over tags, a source or metadata from the file.`);
  }
  if (masked > 0) lines.push(`Secrets were masked in ${count(masked, 'memory', 'memories')}.`);
  lines.push(...fieldLine('Moved into the metadata', moved), ...fieldLine('Left out', ignored));
  lines.push(...summary.warnings.map((warning) => `Warning: ${visibleLine(warning)}`));
  if (!summary.completed) lines.push('Interrupted; import the same file again to go on.');
  if (missing !== undefined) lines.push(...missingText(missing));
  return lines.join('\n');
}

function fieldLine(title: string, fields: Readonly<Record<string, number>>): string[] {
  const names = Object.entries(fields).map(([name, memories]) => `${visibleLine(name)} (${memories})`);
  return names.length === 0 ? [] : [`${title}: ${names.join(', ')}`];
}

/** Where an import reads. */
interface ImportSource {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Bytes in all; undefined where it is not known. */
  readonly size: number | undefined;
  close(): Promise<void>;
}

/**
 * @param name a file, or - for stdin
 * @param signal ends the waiting for stdin; a file is only read while it is asked for
 * @throws UsageError when it cannot be read
 */
async function openImportSource(host: Host, name: string, signal: AbortSignal): Promise<ImportSource> {
  // Without an encoding, streams give their chunks as bytes.
  if (name === '-') {
    return {
      bytes: addAbortSignal(signal, host.stdin) as AsyncIterable<Uint8Array>,
      size: undefined,
      close: () => Promise.resolve(),
    };
  }
  const path = resolve(host.workingDirectory, name);
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw cannotRead(path, error);
  });
  const stats = await handle.stat();
  if (stats.isDirectory()) {
    await handle.close();
    throw new UsageError(`${path} is a folder`, 'Name a file with one memory a line.');
  }
  const stream = handle.createReadStream({ autoClose: false });
  return {
    bytes: stream as AsyncIterable<Uint8Array>,
    size: stats.isFile() ? stats.size : undefined,
    close: async () => {
      stream.destroy();
      await handle.close().catch(() => undefined);
    },
  };
}

/** Takes the lines that were not imported. */
interface RejectsFile {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** @throws UsageError when it cannot be written, or is the file that is read */
async function openRejectsFile(host: Host, name: string, source: string): Promise<RejectsFile> {
  const path = resolve(host.workingDirectory, name);
  const read = resolve(host.workingDirectory, source);
  if (source !== '-' && (await realPath(path)) === (await realPath(read))) {
    throw new UsageError('--rejects names the file that is imported', 'Name another file.');
  }
  const handle = await open(path, 'w', 0o600).catch((error: unknown) => {
    throw cannotWrite(path, error);
  });
  return {
    write: async (bytes) => {
      await handle.appendFile(bytes);
    },
    close: async () => {
      await handle.sync().finally(() => handle.close());
    },
  };
}

function realPath(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

function cannotRead(path: string, error: unknown): UsageError {
  const reason = error instanceof Error ? error.message : String(error);
  return new UsageError(`${path} cannot be read: ${reason}`, 'Name a readable file, or - for stdin.');
}
