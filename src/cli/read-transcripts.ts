import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { App } from '../app/app.ts';
import {
  countReasons,
  type ImportProblem,
  type ImportSummary,
  placeOf,
} from '../import-export/import-report.ts';
import { captureInto, Projects } from '../import-export/transcripts/capture-into.ts';
import type { Conversation, Turn } from '../import-export/transcripts/conversation.ts';
import type { TranscriptFile } from '../import-export/transcripts/find-transcripts.ts';
import { readTranscript } from '../import-export/transcripts/read-transcript.ts';
import { ReadingNotes } from '../import-export/transcripts/reading-notes.ts';
import { isoTime } from '../api/memory-answers.ts';
import { codeOf, reasonOf } from '../util/caught.ts';
import { visibleLine } from '../util/visible-text.ts';
import type { CommandContext } from './command.ts';
import { byteSize, count, table } from './render.ts';

/** File of the data folder that says how far transcripts were read. */
const NOTES_NAME = 'transcripts.json';
const SAVE_EVERY_MS = 2_000;
const KIBIBYTE = 1_024;
/** A damaged folder does not fill the screen. */
const MAX_TOLD = 100;

/**
 * Opens the notes of the store that is in use. They do not count under other rules for conversations, because turns that
 * were left out by the rules of then may be wanted now.
 */
export async function openNotes({
  memory,
  settings,
}: Pick<App, 'memory' | 'settings'>): Promise<ReadingNotes> {
  const { machineId } = await memory.stats();
  const rules = createHash('sha256')
    .update(JSON.stringify(settings.conversations))
    .digest('hex')
    .slice(0, 16);
  return ReadingNotes.open(join(settings.dataDir, NOTES_NAME), `${machineId} ${rules}`);
}

/** Conversations of one client and one project. */
interface Group {
  readonly client: string;
  /** Empty = none. */
  readonly project: string;
  readonly sessions: Set<string>;
  turns: number;
  /** Milliseconds since the epoch. */
  first: number;
  last: number;
}

/** The parts of transcripts that were found or taken. */
export class TranscriptTotals {
  readonly groups = new Map<string, Group>();
  readonly omitted = new Map<string, number>();
  readonly noted = new Map<string, number>();
  readonly counts = { files: 0, unchanged: 0, bytes: 0, added: 0, updated: 0, known: 0, rejected: 0 };
  completed = true;

  /** @param count those of the turns that are new or changed */
  addTurns({ client, session, project = '' }: Conversation, turns: readonly Turn[], count: number): void {
    if (count === 0) return;
    const key = `${client}\n${project}`;
    const group = this.groups.get(key) ?? {
      ...{ client, project, sessions: new Set<string>(), turns: 0 },
      ...{ first: Infinity, last: -Infinity },
    };
    this.groups.set(key, group);
    group.sessions.add(session);
    group.turns += count;
    for (const { createdAt } of turns) {
      group.first = Math.min(group.first, createdAt);
      group.last = Math.max(group.last, createdAt);
    }
  }

  addFile(summary: ImportSummary): void {
    this.counts.files += 1;
    this.counts.bytes += summary.bytes;
    this.counts.added += summary.added;
    this.counts.updated += summary.updated;
    this.counts.known += summary.existing;
    this.counts.rejected += summary.rejected;
    this.completed &&= summary.completed;
    countReasons(this.omitted, summary.omitted);
    countReasons(this.noted, summary.noted);
  }

  get turns(): number {
    return [...this.groups.values()].reduce((sum, { turns }) => sum + turns, 0);
  }

  data(): object {
    const groups = [...this.groups.values()].map(({ client, project, sessions, turns, first, last }) => ({
      ...{ client, project: project === '' ? null : project, conversations: sessions.size, turns },
      ...{ first: isoTime(first), last: isoTime(last) },
    }));
    const { omitted, noted } = this;
    return { ...this.counts, groups, omitted: Object.fromEntries(omitted), noted: Object.fromEntries(noted) };
  }

  /** A row for each client and project, and why something is left out. */
  text(): string {
    const day = (time: number): string => isoTime(time).slice(0, 10);
    const rows = [...this.groups.values()]
      .sort((a, b) => b.turns - a.turns)
      .map(({ client, project, sessions, turns, first, last }) => [
        client,
        project === '' ? '(no project)' : project,
        count(sessions.size, 'conversation'),
        count(turns, 'turn'),
        `${day(first)} to ${day(last)}`,
      ]);
    const { files, unchanged, bytes, rejected } = this.counts;
    const read = `${count(files, 'file')} with something new (${byteSize(bytes)})`;
    return [
      rows.length === 0 ? '' : table(rows),
      unchanged === 0 ? `${read}.` : `${read}; ${unchanged} read before or no transcript.`,
      ...reasonLines('Left out', this.omitted),
      ...reasonLines('Noted', this.noted),
      ...(rejected === 0 ? [] : [`${count(rejected, 'line')} could not be read.`]),
    ]
      .filter((line) => line !== '')
      .join('\n');
  }
}

export function reasonLines(title: string, reasons: ReadonlyMap<string, number>): string[] {
  const shown = [...reasons].map(([name, number]) => `${visibleLine(name)} (${number})`);
  return shown.length === 0 ? [] : [`${title}: ${shown.join(', ')}.`];
}

export interface ReadFilesOptions {
  readonly notes: ReadingNotes;
  /** False for a look that stores nothing. */
  readonly isStored: boolean;
  readonly again?: boolean;
  /** Begins the line of progress; absent = none is shown. */
  readonly title?: string;
  readonly onProblem?: (path: string, problem: ImportProblem) => void;
}

/** Reads the new part of files. One that cannot be read is a problem, and the others are read. */
export async function readFiles(
  context: CommandContext,
  files: readonly TranscriptFile[],
  options: ReadFilesOptions,
): Promise<TranscriptTotals> {
  const { notes, isStored, title } = options;
  const totals = new TranscriptTotals();
  const capture = await capturing(context, totals, isStored);
  const progress = title === undefined ? undefined : context.output.progress(`${title}, KiB`);
  const total = Math.ceil(files.reduce((sum, { bytes }) => sum + bytes, 0) / KIBIBYTE);
  let done = 0;
  let savedAt = Date.now();
  try {
    for (const file of files) {
      if (context.signal.aborted) break;
      const onProblem = (problem: ImportProblem): void => options.onProblem?.(file.path, problem);
      const again = options.again === true;
      const reading = { notes, isStored, again, capture, onProblem, signal: context.signal };
      const summary = await readTranscript(file, reading).catch((error: unknown) => {
        if (!isFileError(error)) throw error;
        totals.counts.rejected += 1;
        onProblem({ kind: 'rejected', place: 'the file', problem: reasonOf(error) });
        return undefined;
      });
      if (summary === undefined) totals.counts.unchanged += 1;
      else totals.addFile(summary);
      done += file.bytes;
      progress?.update({ done: Math.ceil(done / KIBIBYTE), total });
      if (!isStored || Date.now() - savedAt < SAVE_EVERY_MS) continue;
      await notes.save();
      savedAt = Date.now();
    }
  } finally {
    progress?.finish();
    if (isStored) await notes.save();
  }
  totals.completed &&= !context.signal.aborted;
  return totals;
}

/** Shows problems on stderr, each once. */
export function problemNoter({ output }: CommandContext): (path: string, problem: ImportProblem) => void {
  const told = new Set<string>();
  return (path, problem) => {
    const text = visibleLine(`${path}, ${placeOf(problem)}: ${problem.problem}`);
    if (told.size >= MAX_TOLD || told.has(text)) return;
    told.add(text);
    output.note(text);
  };
}

/** Also counts by client and project. */
async function capturing(
  context: CommandContext,
  totals: TranscriptTotals,
  isStored: boolean,
): Promise<ReturnType<typeof captureInto>> {
  const projects = new Projects();
  // A look asks the memory too: it knows which parts are excluded, deleted, and there already.
  const { memory, settings } = await context.app();
  const capture = captureInto(memory, { dryRun: !isStored, packages: settings.projectPackages });
  return async ({ conversation, turns }) => {
    const named = { ...conversation, project: await projects.of(conversation) };
    const captured = await capture({ conversation: named, turns });
    totals.addTurns(named, turns, captured.added + captured.updated);
    return captured;
  };
}

function isFileError(error: unknown): boolean {
  return typeof codeOf(error) === 'string' && error instanceof Error && 'syscall' in error;
}
