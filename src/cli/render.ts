import { attributesOf } from '../memory/attributes.ts';
import type { Memory } from '../memory/memory.ts';
import { beginningOf } from '../memory/snippet.ts';
import type { TimeZone } from '../util/time-zone.ts';
import { visibleLine } from '../util/visible-text.ts';

/** One line that names a memory without its text. */
export function memoryHeading(memory: Memory, zone: TimeZone): string {
  return [
    visibleLine(memory.id),
    zone.minute(memory.createdAt),
    memory.tags.map(visibleLine).join(', '),
    memory.source === '' ? '' : `from ${visibleLine(memory.source)}`,
    turnOf(memory),
    memory.conflict ? '(conflict)' : '',
    memory.state === 'live' ? '' : `(${stateOf(memory)})`,
  ]
    .filter((part) => part !== '')
    .join('  ');
}

/** The speaker and the conversation; empty for a fact. */
function turnOf({ metadata, source }: Memory): string {
  const { conversation } = attributesOf(metadata);
  if (conversation === null) return '';
  const { role, client, session, position } = conversation;
  const where = client === '' || client === source ? '' : `in ${visibleLine(client)}, `;
  return `${role} ${where}session ${visibleLine(session)} no. ${position}`;
}

function stateOf({ state, hiddenAt, dot }: Memory): string {
  return hiddenAt === undefined ? state : `erased by machine ${dot.machine}`;
}

/** The text as one line of at most `width` characters. */
export function oneLine(text: string, width: number): string {
  const line = visibleLine(text.replace(/\s+/g, ' ').trim());
  const characters = Array.from(line.slice(0, width * 2));
  return characters.length <= width ? characters.join('') : beginningOf(line, width - 1);
}

/** Every line with two more spaces before it. */
export function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}

/** A memory in two lines: heading and beginning of the text. */
export function memoryBrief(memory: Memory, zone: TimeZone, columns: number): string {
  return `${memoryHeading(memory, zone)}\n${indent(oneLine(memory.text, Math.max(20, columns - 2)))}`;
}

/** Rows with aligned columns, one line each; the last column is not padded. */
export function table(cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(visibleLine));
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `1 memory`, `2 memories`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** How long something still takes, for example `3 min`. */
export function timeLeft(seconds: number): string {
  return seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/** Size in bytes, kibibytes or mebibytes. */
export function byteSize(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  if (bytes < 1_024 ** 2) return `${(bytes / 1_024).toFixed(1)} KiB`;
  if (bytes < 1_024 ** 3) return `${(bytes / 1_024 ** 2).toFixed(1)} MiB`;
  return `${(bytes / 1_024 ** 3).toFixed(1)} GiB`;
}
