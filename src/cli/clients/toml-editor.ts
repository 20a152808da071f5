import { isDeepStrictEqual } from 'node:util';
import { parse, stringify, TomlError } from 'smol-toml';
import { type ConfigEditor, EditError, type ServerMap, type ServerMember } from './config-editor.ts';

type TomlObject = Record<string, unknown>;

/** Editor for TOML: each server is a table of its own, with its sub-tables. */
export function createTomlEditor(section: string): ConfigEditor {
  return {
    servers: (text) => serversOf(read(text), section),
    setServer: (text, name, entry) => setServer(text, [section, name], entry),
    removeServer: (text, name) => removeServer(text, [section, name]),
  };
}

type TablePath = readonly [section: string, name: string];

function setServer(text: string, [section, name]: TablePath, entry: ServerMember): string {
  const before = read(text);
  const known = serversOf(before, section);
  const current = known[name];
  const wanted = isObject(current) ? { ...current, ...entry } : { ...entry };
  if (same(current, wanted)) return text;
  const expected = { ...before, [section]: { ...known, [name]: wanted } };
  const changes = Object.entries(wanted).filter(
    ([key, value]) => !isObject(current) || !same(current[key], value),
  );
  const inPlace = replaceKeys(text, [section, name], changes);
  if (inPlace !== undefined) return checked(inPlace, expected);
  const without = current === undefined ? text : removeServer(text, [section, name]);
  return checked(append(without, stringify({ [section]: { [name]: wanted } })), expected);
}

/** Replaces keys in the table of the server; undefined when it has none, or when a sub-table has to change. */
function replaceKeys(
  text: string,
  path: TablePath,
  changes: readonly [string, unknown][],
): string | undefined {
  const lines = text.split('\n');
  const statements = tomlStatements(lines);
  const first = statements.findIndex((statement) => statement.kind === 'header' && isTable(statement, path));
  const header = statements[first];
  if (header === undefined || changes.some(([, value]) => isObject(value))) return undefined;
  const after = statements.slice(first + 1);
  const next = after.findIndex(({ kind }) => kind === 'header');
  const keys = new Set(changes.map(([key]) => key));
  const replaced = after
    .slice(0, next === -1 ? undefined : next)
    .filter(({ start, end }) => keys.has(Object.keys(read(lines.slice(start, end).join('\n')))[0] ?? ''));
  const added = stringify(Object.fromEntries(changes)).trim().split('\n');
  const lineEnd = text.includes('\r\n') ? '\r' : '';
  const kept = lines.filter(
    (_line, index) => !replaced.some(({ start, end }) => index >= start && index < end),
  );
  kept.splice(header.end, 0, ...added.map((line) => line + lineEnd));
  return kept.join('\n');
}

/** @param block tables as text */
function append(text: string, block: string): string {
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  // Only the table of the server itself needs a header.
  const tables = block.trim().replace(/^\[[^\]\n]*\]\n\n?(?=\[)/, '');
  const before = text === '' || text.endsWith('\n') ? text : text + lineEnd;
  const gap = before.trim() === '' || /\n\r?\n$/.test(before) ? '' : lineEnd;
  return `${before}${gap}${tables.replaceAll('\n', lineEnd)}${lineEnd}`;
}

function removeServer(text: string, path: TablePath): string {
  const [section, name] = path;
  const before = read(text);
  const { [name]: removed, ...others } = serversOf(before, section);
  if (removed === undefined) return text;
  const lines = text.split('\n');
  const statements = tomlStatements(lines);
  const doomed = new Set<number>();
  let inside = false;
  for (const statement of statements) {
    if (statement.kind === 'header') inside = belongsTo(statement, path);
    if (inside) for (let line = statement.start; line < statement.end; line++) doomed.add(line);
  }
  for (const line of [...doomed]) {
    // The empty line before a removed table goes with it.
    const isHeader = (lines[line] ?? '').trim().startsWith('[');
    if (isHeader && line > 0 && lines[line - 1]?.trim() === '') doomed.add(line - 1);
  }
  const edited = lines.filter((_line, index) => !doomed.has(index)).join('\n');
  const expected = { ...before, [section]: others };
  return checked(edited, expected, section);
}

/** True for the header of the table and of those below it. */
function belongsTo({ text }: TomlStatement, [section, name]: TablePath): boolean {
  const tables = read(text)[section];
  return isObject(tables) && isObject(tables[name]);
}

/** True for the header of the table itself. */
function isTable(statement: TomlStatement, [section, name]: TablePath): boolean {
  return same(read(statement.text), { [section]: { [name]: {} } });
}

/** The written text must read back as the intended value; an empty section is the same as none. */
function checked(edited: string, expected: TomlObject, section = ''): string {
  if (same(withoutEmpty(read(edited), section), withoutEmpty(expected, section))) return edited;
  throw new EditError(
    'writes the server as an inline table or with dotted keys, which cannot be edited safely',
  );
}

function withoutEmpty(content: TomlObject, section: string): TomlObject {
  const servers = content[section];
  const isEmpty = isObject(servers) && Object.keys(servers).length === 0;
  return isEmpty ? Object.fromEntries(Object.entries(content).filter(([key]) => key !== section)) : content;
}

/** Equal values; the parser's objects have no prototype. */
function same(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(structuredClone(a), structuredClone(b));
}

function serversOf(content: TomlObject, section: string): ServerMap {
  const servers = content[section];
  if (servers === undefined) return {};
  if (isObject(servers)) return servers;
  throw new EditError(`holds no table at ${section}`);
}

function read(text: string): TomlObject {
  try {
    return parse(text.replace(/^\uFEFF/, ''), { integersAsBigInt: 'asNeeded' });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [reason = error.message] = error.message.split('\n');
    throw new EditError(`is no valid TOML: ${reason} in line ${error.line}`);
  }
}

function isObject(value: unknown): value is TomlObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** A header or a key with its value: whole lines of a TOML text. */
interface TomlStatement {
  readonly kind: 'header' | 'key';
  /** Index of the first line, and of the line after the last. */
  readonly start: number;
  readonly end: number;
  /** The first line without white space around it. */
  readonly text: string;
}

/** Splits valid TOML into its statements; comments and empty lines between them belong to none. */
function tomlStatements(lines: readonly string[]): TomlStatement[] {
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
