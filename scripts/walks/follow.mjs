// Runs inside of the measured program, in each thread: notes the files of src/ whose functions run during a step.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const folder = process.env.WALK_FOLDER ?? '';
const seen = new Map();
/** Where this process writes how often functions of each file ran, when it ends. */
const countsFile = process.env.WALK_COUNTS;
const counts = {};
if (countsFile !== undefined)
  process.on('exit', () => {
    writeFileSync(countsFile, JSON.stringify(counts));
  });

/** Called at the start of each function. */
export function runsIn(file) {
  if (countsFile !== undefined) counts[file] = (counts[file] ?? 0) + 1;
  const step = stepOfNow();
  if (step === '') return;
  const files = seen.get(step) ?? new Set();
  seen.set(step, files);
  if (files.has(file)) return;
  files.add(file);
  appendFileSync(join(folder, `files-${step}`), `${file}\n`);
}

/** The driver writes the name of the step into a file before it, and empties the file after it. */
function stepOfNow() {
  try {
    return readFileSync(join(folder, 'step'), 'utf8');
  } catch {
    return '';
  }
}
