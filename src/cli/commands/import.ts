import { open, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { importData, MAX_LISTED_PROBLEMS } from '../../api/memory-answers.ts';
import { InvalidInputError, UsageError } from '../../errors/input-errors.ts';
import { FORMAT_NAMES, recognizeFormat } from '../../import-export/formats/all-formats.ts';
import { type ImportProblem, type ImportSummary, placeOf } from '../../import-export/import-report.ts';
import { type OpenedSource, openSource } from '../../import-export/open-source.ts';
import { runImport } from '../../import-export/run-import.ts';
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
import { cannotRead, cannotWrite } from '../option-values.ts';
import { count } from '../render.ts';
import { captureInto } from '../../import-export/transcripts/capture-into.ts';
import { watchTranscripts } from '../watch-transcripts.ts';

const KIBIBYTE = 1_024;
const MEBIBYTE = KIBIBYTE ** 2;
const MIN_ENTRY_BYTES = 16 * MEBIBYTE;
/** A UTF-16 unit of a text takes at most so many bytes in JSON: an escape such as \u0000. */
const BYTES_PER_UNIT = 6;

export const importCommand = defineCommand({
  name: 'import',
  summary: 'take memories from a file, a folder or a zip',
  details:
    'The content tells the format: exports of faiss-memory and other JSON lines, those of other memory tools, and ' +
    'conversations: transcripts of clients, data exports of ChatGPT and Claude. ' +
    'An entry that cannot be imported is reported and stops nothing; the exit code is then 1. The same source can be ' +
    'imported again at any time, after an interruption too: nothing is added twice.',
  arguments: [{ name: '<path>', doc: 'a file, a folder or a zip; - reads stdin' }],
  options: {
    format: value('--format <name>', `read as this format: ${FORMAT_NAMES.join(', ')}`),
    dryRun: toggle('--dry-run', 'only show what would be imported'),
    overwrite: toggle('--overwrite', 'entries replace memories that have their id and other content'),
    watch: toggle(
      '--watch',
      'follow transcripts: new turns are taken seconds after they are written, until Ctrl-C',
    ),
    rejects: value('--rejects <file>', 'write the lines that were not imported to this file'),
  },
  examples: [
    ['faiss-memory import memories.jsonl', 'an export, or a file made by hand'],
    ['faiss-memory import ~/Notes --dry-run', 'what would a folder of notes give?'],
    ['faiss-memory import old.jsonl --rejects rejects.jsonl', 'keep what was not taken'],
    ['faiss-memory import ~/.claude/projects --watch', 'keep what is said from now on, too'],
    [`echo '{"text":"Ann prefers tea."}' | faiss-memory import -`, 'from another program'],
  ],
  writes: ({ options }) => !options.dryRun,
  run: async (context, { args: [name = '-'], options }) => {
    if (options.watch) return watchTranscripts(context, { name, ...options });
    const opened = await openNamed(context.host, name, context.signal);
    try {
      const rejects =
        options.rejects === undefined
          ? undefined
          : await openRejectsFile(context.host, options.rejects, name);
      try {
        return await importFrom(context, { ...options, opened, rejects });
      } finally {
        await rejects?.close();
      }
    } finally {
      await opened.close();
    }
  },
});

interface Request {
  readonly opened: OpenedSource;
  readonly rejects: RejectsFile | undefined;
  readonly format: string | undefined;
  readonly overwrite: boolean;
  readonly dryRun: boolean;
}

async function importFrom(context: CommandContext, request: Request): Promise<CommandOutcome> {
  const problems: ImportProblem[] = [];
  const summary = await readSource(context, request, (problem) => {
    if (problems.length < MAX_LISTED_PROBLEMS) problems.push(problem);
  });
  const embeds = summary.completed && !request.dryRun;
  const missing = embeds ? await embedBeforeExit(context, 'watched') : undefined;
  const complete = summary.completed && summary.rejected + summary.conflicts === 0;
  const dryRun = request.dryRun ? { dry_run: true } : {};
  return {
    data: { ...importData(summary, problems), ...dryRun, ...(missing && missingData(missing)) },
    text: describe(summary, missing) + (request.dryRun ? '\nThis was a dry run; nothing was stored.' : ''),
    exitCode: complete ? EXIT_CODES.ok : EXIT_CODES.failure,
  };
}

async function readSource(
  context: CommandContext,
  { opened, rejects, format, overwrite, dryRun }: Request,
  onProblem: (problem: ImportProblem) => void,
): Promise<ImportSummary> {
  const { memory, settings } = await context.app();
  const recognized = await recognizeFormat(opened.source, format);
  const progress = context.output.progress('Importing, KiB');
  const onConflict = overwrite ? 'overwrite' : 'keep';
  try {
    return await runImport({
      ...recognized,
      importBatch: (drafts, options) => memory.importBatch(drafts, { ...options, onConflict, dryRun }),
      capture: captureInto(memory, { dryRun, packages: settings.projectPackages }),
      signal: context.signal,
      textLimit: settings.textLimit,
      maxEntryBytes: Math.max(MIN_ENTRY_BYTES, BYTES_PER_UNIT * settings.textLimit + MEBIBYTE),
      onReject: rejects === undefined ? undefined : (bytes) => rejects.write(bytes),
      onProgress: ({ bytes }) => {
        const total = opened.size === undefined ? undefined : Math.ceil(opened.size / KIBIBYTE);
        progress.update({ done: Math.ceil(bytes / KIBIBYTE), total });
      },
      onProblem: (problem) => {
        progress.finish();
        context.output.note(visibleLine(`${placeOf(problem)}: ${problem.problem}`));
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
    ...(summary.format === 'json-lines' ? [] : [`Read as ${summary.format}.`]),
    `${count(added, 'memory', 'memories')} added, ${updated} updated, ${existing} already there, ` +
      `${count(conflicts, 'conflict')}, ${rejected} rejected.`,
  ];
  if (summary.turns > 0) {
    lines.push(
      `Of these, ${count(summary.turns, 'turn')} of ${count(summary.conversations, 'conversation')}.`,
    );
  }
  if (gained > 0) {
    lines.push(`${gained} of those already there took over tags, a source or metadata from the file.`);
  }
  if (masked > 0) lines.push(`Secrets were masked in ${count(masked, 'memory', 'memories')}.`);
  lines.push(...fieldLine('Not imported, by the rules of the format', summary.omitted));
  lines.push(...fieldLine('Noted', summary.noted));
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

/**
 * @param name a file, a folder, or - for stdin
 * @param signal ends the waiting for stdin; a file is only read while it is asked for
 * @throws UsageError when it cannot be read
 */
async function openNamed(host: Host, name: string, signal: AbortSignal): Promise<OpenedSource> {
  // Without an encoding, streams give their chunks as bytes.
  if (name === '-') {
    const bytes = addAbortSignal(signal, host.stdin) as AsyncIterable<Uint8Array>;
    return { source: { kind: 'text', name: '', bytes }, size: undefined, close: () => Promise.resolve() };
  }
  const path = resolve(host.workingDirectory, name);
  try {
    return await openSource(path);
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
    throw cannotRead(path, error);
  }
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
