/** Lines of unchanged text around a change. */
const CONTEXT = 3;

/**
 * The change of a text as a unified diff with one hunk; empty when there is none. The lines between the first and
 * the last change are shown as removed and added as a whole, which is exact, and short for the edit of one place.
 */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return '';
  const [old, current] = [linesOf(before), linesOf(after)];
  const head = commonStart(old, current);
  const tail = commonStart(old.slice(head).reverse(), current.slice(head).reverse());
  const start = Math.max(0, head - CONTEXT);
  const oldEnd = old.length - tail;
  const currentEnd = current.length - tail;
  const trailing = old.slice(oldEnd, oldEnd + CONTEXT);
  const context = head - start + trailing.length;
  return [
    `--- ${path}`,
    `+++ ${path}`,
    `@@ -${range(start, oldEnd - head + context)} +${range(start, currentEnd - head + context)} @@`,
    ...old.slice(start, head).map((line) => ` ${line}`),
    ...old.slice(head, oldEnd).map((line) => `-${line}`),
    ...current.slice(head, currentEnd).map((line) => `+${line}`),
    ...trailing.map((line) => ` ${line}`),
  ].join('\n');
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function commonStart(a: readonly string[], b: readonly string[]): number {
  const different = a.findIndex((line, index) => line !== b[index]);
  return different === -1 ? a.length : different;
}

function range(start: number, length: number): string {
  return `${length === 0 ? start : start + 1},${length}`;
}
