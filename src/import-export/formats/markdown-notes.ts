import type { JsonObject } from '../head.ts';

/** `{{title}}` of Obsidian, `<% tp.date.now() %>` of Templater. */
const PLACEHOLDERS = /\{\{[^}\n]*\}\}|<%[\s\S]*?%>/g;
/** Headings, rules, and items of lists and check boxes that are not filled in. */
const EMPTY_LINES =
  /^[ \t]*(?:#{1,6}(?:[ \t].*)?|[-*_][-*_ \t]*|(?:[-*+]|\d+[.)])(?:[ \t]*\[.?\])?[ \t]*)$/gm;

/**
 * The reason to leave out a note, by the rules of docs/import-export.md; undefined for a note that says something. A note
 * with headings only says something when one of them is more than the others: that is not ours to judge, so it stays out.
 */
export function junkReason(note: {
  readonly path: string;
  readonly body: string;
  readonly matter: JsonObject;
}): string | undefined {
  const { path, body, matter } = note;
  if (body.trim() === '') return 'an empty note';
  if (
    path
      .split('/')
      .slice(0, -1)
      .some((folder) => /^_?templates?$/i.test(folder))
  )
    return 'a template';
  if ('excalidraw-plugin' in matter) return 'a drawing';
  const filled = body.replace(PLACEHOLDERS, '');
  if (filled.replace(EMPTY_LINES, '').trim() !== '') return undefined;
  return filled === body ? 'a note with headings only' : 'a template';
}

/** A part has at least so much room below its title. */
const MIN_ROOM = 50;

/**
 * Parts of a note of at most `limit` characters each, cut before a heading where there is one, else between paragraphs,
 * lines, or anywhere. Parts after the first begin with the title, so that each can be read and found alone.
 */
export function cutNote(
  text: string,
  { limit, title }: { readonly limit: number; readonly title: string },
): string[] {
  if (text.length <= limit) return [text];
  const heading = `# ${title}\n\n`;
  const prefix = heading.length + MIN_ROOM > limit ? '' : heading;
  const parts: string[] = [];
  let rest = text;
  while (rest.length > 0) {
    const before = parts.length === 0 ? '' : prefix;
    const room = limit - before.length;
    const end = rest.length <= room ? rest.length : placeToCut(rest, room);
    parts.push(before + rest.slice(0, end).trim());
    rest = rest.slice(end).trimStart();
  }
  return parts;
}

/** The last good place in the second half of the room. */
function placeToCut(text: string, room: number): number {
  const window = text.slice(0, room);
  for (const mark of ['\n# ', '\n## ', '\n### ', '\n\n', '\n', ' ']) {
    const at = window.lastIndexOf(mark);
    if (at >= room / 2) return at + 1;
  }
  // Never between the two halves of a character.
  return isHighSurrogate(text.charCodeAt(room - 1)) ? room - 1 : room;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
