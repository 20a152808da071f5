const UNPRINTABLE = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/g;

/**
 * Text that is safe on a terminal: control characters other than line feed and tab, and those that reorder what
 * is shown, become `\u{FFFD}`. Stored text may come from anywhere and must not move the cursor or hide itself.
 */
export function printable(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(UNPRINTABLE, '\uFFFD');
}
