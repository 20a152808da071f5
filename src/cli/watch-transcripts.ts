import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../errors/input-errors.ts';
import { byAge, filesBelow } from '../import-export/transcripts/find-transcripts.ts';
import { visibleLine } from '../util/visible-text.ts';
import type { CommandContext, CommandOutcome } from './command.ts';
import { cannotRead } from './option-values.ts';
import { openNotes, problemNoter, readFiles } from './read-transcripts.ts';
import { count } from './render.ts';

/** A look at a large folder takes longer; it then rests ten times as long as it took. */
const LOOK_EVERY_MS = 1_000;
const REST_FACTOR = 10;

interface WatchOptions {
  /** As the user wrote it. */
  readonly name: string;
  readonly dryRun: boolean;
  readonly overwrite: boolean;
  readonly format: string | undefined;
  readonly rejects: string | undefined;
}

/**
 * Takes the new turns of the transcripts of a file or folder, again and again until Ctrl-C. It looks at sizes and times,
 * because the events of file systems are lost on network disks and in new folders.
 */
export async function watchTranscripts(
  context: CommandContext,
  options: WatchOptions,
): Promise<CommandOutcome> {
  const { output, signal } = context;
  const path = await watchedPath(context, options);
  const notes = await openNotes(await context.app());
  (await context.app()).startBackground();
  const sum = { added: 0, updated: 0, known: 0, rejected: 0 };
  const seen = new Map<string, string>();
  const onProblem = problemNoter(context);
  output.note(`Watching ${visibleLine(path)}. Ctrl-C ends it.`);
  while (!signal.aborted) {
    const begun = performance.now();
    const files = byAge(await filesBelow(path)).filter((file) => seen.get(file.path) !== stateOf(file));
    if (files.length > 0) {
      const { counts } = await readFiles(context, files, { notes, isStored: true, onProblem });
      for (const name of ['added', 'updated', 'known', 'rejected'] as const) sum[name] += counts[name];
      for (const file of files) seen.set(file.path, stateOf(file));
      if (counts.added + counts.updated > 0)
        output.note(`${count(counts.added, 'turn')} added, ${counts.updated} updated.`);
    }
    const rest = Math.max(LOOK_EVERY_MS, REST_FACTOR * (performance.now() - begun));
    await sleep(rest, undefined, { signal }).catch(() => undefined);
  }
  return {
    data: sum,
    text: `${count(sum.added, 'turn')} added, ${sum.updated} updated, ${sum.known} already there.`,
  };
}

/** @throws UsageError for a path that cannot be watched, and for options that a watch does not have */
async function watchedPath(
  { host }: CommandContext,
  { name, dryRun, overwrite, format, rejects }: WatchOptions,
): Promise<string> {
  const others = { '--dry-run': dryRun, '--overwrite': overwrite, '--format': format, '--rejects': rejects };
  const other = Object.entries(others).find(([, given]) => given !== undefined && given !== false);
  if (other !== undefined) throw new UsageError(`${other[0]} does not go with --watch`, 'Leave it out.');
  if (name === '-') throw new UsageError('stdin cannot be watched', 'Name a file or a folder.');
  const path = resolve(host.workingDirectory, name);
  return realpath(path).catch((error: unknown) => {
    throw cannotRead(path, error);
  });
}

function stateOf({ bytes, modified }: { readonly bytes: number; readonly modified: number }): string {
  return `${bytes} ${modified}`;
}
