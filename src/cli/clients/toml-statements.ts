/** A header or a key with its value: whole lines of a TOML text. */
export interface TomlStatement {
  readonly kind: 'header' | 'key';
  /** Index of the first line, and of the line after the last. */
  readonly start: number;
  readonly end: number;
  /** The first line without white space around it. */
  readonly text: string;
}

/** Splits valid TOML into its statements; comments and empty lines between them belong to none. */
export function tomlStatements(lines: readonly string[]): TomlStatement[] {
  const statements: TomlStatement[] = [];
  for (let start = 0; start < lines.length;) {
    const text = (lines[start] ?? '').trim();
    const isBlank = text === '' || text.startsWith('#');
    const isHeader = text.startsWith('[');
    const end = isBlank || isHeader ? start + 1 : endOfValue(lines, start);
    if (!isBlank) statements.push({ kind: isHeader ? 'header' : 'key', start, end, text });
    start = end;
  }
  return statements;
}

/** Pieces of a value that matter for where it ends: strings whole, brackets, comments, single quotes left open. */
const TOKEN = /"""(?:\\[^]|[^\\])*?"{3,5}|'''[^]*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*|[[\]{}\n]/g;

/** A value ends with the first line feed outside of strings and brackets. */
function endOfValue(lines: readonly string[], start: number): number {
  const rest = lines.slice(start).join('\n');
  let depth = 0;
  for (const match of rest.matchAll(TOKEN)) {
    const [token] = match;
    if (token === '[' || token === '{') depth += 1;
    else if (token === ']' || token === '}') depth -= 1;
    else if (token === '\n' && depth <= 0) return start + rest.slice(0, match.index).split('\n').length;
  }
  return lines.length;
}
