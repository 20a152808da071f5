import type { Memory } from '../memory/memory.ts';
import {
  EXPORT_FORMAT,
  EXPORT_VERSION,
  exportedMemory,
  type ExportFooter,
  type ExportHeader,
} from './json-lines-format.ts';

export interface ExportTarget {
  /** Takes whole lines as UTF-8 text; the next chunk comes when the promise resolves. */
  readonly write: (chunk: string) => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly exportedAt: number;
  /** Called after each batch with the number of memories written so far. */
  readonly onProgress?: (count: number) => void;
}

/**
 * Writes memories as JSON lines, in the order they come, one batch in memory at a time.
 * @returns how many were written
 */
export async function exportJsonLines(
  memories: AsyncIterable<readonly Memory[]>,
  target: ExportTarget,
): Promise<number> {
  const header: ExportHeader = {
    format: EXPORT_FORMAT,
    version: EXPORT_VERSION,
    exported_at: new Date(target.exportedAt).toISOString(),
  };
  await target.write(line(header));
  let count = 0;
  for await (const batch of memories) {
    if (batch.length === 0) continue;
    await target.write(batch.map((memory) => line(exportedMemory(memory))).join(''));
    count += batch.length;
    target.onProgress?.(count);
  }
  const footer: ExportFooter = { format: EXPORT_FORMAT, end: true, count };
  await target.write(line(footer));
  return count;
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
