import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { App } from '../../app/app.ts';
import { captureInto } from '../../import-export/transcripts/capture-into.ts';
import { readTranscript } from '../../import-export/transcripts/read-transcript.ts';
import type { Logger } from '../../logger.ts';
import { openNotes } from '../read-transcripts.ts';

export interface TranscriptCapture {
  /** Path of the transcript, as the client names it; empty = the client keeps none. */
  readonly transcript: string;
  readonly open: () => Promise<App>;
  readonly logger: Logger;
}

/**
 * Stores the turns of a transcript that were not stored before. Several hooks may do so at once: a turn has its id from
 * its place in the conversation, so it is stored once. A file of another kind, for example of a client whose transcripts
 * cannot be read, is left alone.
 */
export async function captureTurns({ transcript, open, logger }: TranscriptCapture): Promise<void> {
  if (!isAbsolute(transcript)) return;
  const found = await stat(transcript);
  if (!found.isFile()) return;
  const app = await open();
  const notes = await openNotes(app);
  const file = { path: transcript, bytes: found.size, modified: found.mtimeMs };
  let problems = 0;
  const summary = await readTranscript(file, {
    notes,
    isStored: true,
    capture: captureInto(app.memory, { packages: app.settings.projectPackages }),
    onProblem: () => {
      problems += 1;
    },
  });
  if (summary === undefined) return;
  await notes.save();
  logger.debug('turns of a session were kept', { problems });
}
