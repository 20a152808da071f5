import { isDeepStrictEqual } from 'node:util';
import {
  applyEdits,
  createScanner,
  type Edit,
  findNodeAtLocation,
  type Node,
  parse,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { type ConfigEditor, EditError, type ServerMap, type ServerMember } from './config-editor.ts';
import { isObject } from '../../util/json.ts';

type JsonObject = Record<string, unknown>;

/** Editor for JSON, with comments and trailing commas where the client allows them. */
export function createJsonEditor(section: string): ConfigEditor {
  return {
    servers: (text) => serversOf(read(text), section),
    setServer: (text, name, entry) => setServer(text, [section, name], entry),
    removeServer: (text, name) => removeServer(text, [section, name]),
  };
}

/** Sets members of a group in a file of settings, and takes out those that are undefined. @throws EditError */
export function editGroup(text: string, group: string, changes: Readonly<Record<string, unknown>>): string {
  const before = read(text);
  const wanted: JsonObject = { ...serversOf(before, group) };
  let edited = text.trim() === '' ? '{}\n' : text;
  for (const [key, value] of Object.entries(changes)) {
    const path = [group, key];
    if (isDeepStrictEqual(wanted[key], value)) continue;
    if (value === undefined) {
      edited = takeOut(edited, path);
      Reflect.deleteProperty(wanted, key);
      continue;
    }
    if (findNodeAtLocation(rootOf(edited), [group]) === undefined) edited = put(edited, [group], {});
    edited = put(edited, path, value);
    wanted[key] = value;
  }
  const { [group]: had, ...others } = before;
  if (Object.keys(wanted).length > 0) return checked(edited, { ...before, [group]: wanted });
  return had === undefined ? text : checked(takeOut(edited, [group]), others);
}

function takeOut(text: string, path: readonly string[]): string {
  const member = findNodeAtLocation(rootOf(text), [...path])?.parent;
  return member === undefined ? text : applyEdits(text, removeMember(text, member));
}

type ServerPath = readonly [section: string, name: string];

function setServer(text: string, [section, name]: ServerPath, entry: ServerMember): string {
  const before = read(text);
  const known = serversOf(before, section);
  const current = Object.hasOwn(known, name) ? known[name] : undefined;
  const wanted = isObject(current) ? { ...current, ...entry } : { ...entry };
  if (isDeepStrictEqual(current, wanted)) return text;
  const expected = { ...before, [section]: { ...known, [name]: wanted } };
  let edited = text.trim() === '' ? '{}\n' : text;
  const path = [section, name];
  if (!isObject(before[section])) edited = put(edited, [section], {});
  if (!isObject(current)) edited = put(edited, path, {});
  for (const [key, value] of Object.entries(wanted)) {
    if (!isObject(current) || !isDeepStrictEqual(current[key], value))
      edited = put(edited, [...path, key], value);
  }
  return checked(edited, expected);
}

function removeServer(text: string, [section, name]: ServerPath): string {
  const before = read(text);
  const { [name]: removed, ...others } = serversOf(before, section);
  if (removed === undefined) return text;
  return checked(takeOut(text, [section, name]), { ...before, [section]: others });
}

/** Sets one member, adding it at the end of its object when it is not there. */
function put(text: string, path: readonly string[], value: unknown): string {
  const root = rootOf(text);
  const existing = findNodeAtLocation(root, [...path]);
  if (existing !== undefined) return applyEdits(text, [replaceValue(text, existing, value)]);
  const parent = path.length === 1 ? root : findNodeAtLocation(root, path.slice(0, -1));
  if (parent?.type !== 'object') throw new EditError(`holds no object at ${path.slice(0, -1).join('.')}`);
  return applyEdits(text, insertMember(text, parent, { key: path.at(-1) ?? '', value }));
}

/** The written text must read back as the intended value. */
function checked(edited: string, expected: JsonObject): string {
  if (isDeepStrictEqual(read(edited), expected)) return edited;
  throw new EditError('is written in a way that cannot be edited safely');
}

function serversOf(content: JsonObject, section: string): ServerMap {
  const servers = Object.hasOwn(content, section) ? content[section] : undefined;
  if (servers === undefined) return {};
  if (isObject(servers)) return servers;
  throw new EditError(`holds no object at ${section}`);
}

const PARSE_OPTIONS = { allowTrailingComma: true, disallowComments: false };

/** Puts an item at the end of a list that has some, on a line of its own where the last one has. */
export function appendItem(text: string, path: readonly string[], value: unknown): string {
  const last = itemsAt(text, path).at(-1);
  if (last === undefined) throw new EditError(`holds no list with items at ${path.join('.')}`);
  const [indentation] = /\n[ \t]*$/.exec(text.slice(0, last.offset)) ?? [' '];
  const item = `,${indentation}${JSON.stringify(value)}`;
  return applyEdits(text, [{ offset: last.offset + last.length, length: 0, content: item }]);
}

/** Takes an item out of a list that has others. */
export function removeItem(text: string, path: readonly string[], place: number): string {
  const items = itemsAt(text, path);
  const [before, item, after] = [items[place - 1], items[place], items[place + 1]];
  if (item === undefined) return text;
  const start = before === undefined ? item.offset : before.offset + before.length;
  const end = before === undefined && after !== undefined ? after.offset : item.offset + item.length;
  return applyEdits(text, [{ offset: start, length: end - start, content: '' }]);
}

function itemsAt(text: string, path: readonly string[]): readonly Node[] {
  return findNodeAtLocation(rootOf(text), [...path])?.children ?? [];
}

/** A text as settings; an empty one has none. @throws EditError */
export function readSettings(text: string): Readonly<Record<string, unknown>> {
  return read(text);
}

function read(text: string): JsonObject {
  if (withoutMark(text).trim() === '') return {};
  const errors: ParseError[] = [];
  const content: unknown = parse(withoutMark(text), errors, PARSE_OPTIONS);
  const [error] = errors;
  if (error !== undefined) {
    throw new EditError(
      `is not valid JSON: ${printParseErrorCode(error.error)} in ${lineOf(text, error.offset)}`,
    );
  }
  if (isObject(content)) return content;
  throw new EditError('holds no JSON object');
}

function rootOf(text: string): Node {
  const root = parseTree(withoutMark(text), [], PARSE_OPTIONS);
  if (root?.type === 'object') return root;
  throw new EditError('holds no JSON object');
}

/** The byte order mark as a space: the parser refuses it, and every offset stays. */
function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, ' ');
}

function lineOf(text: string, offset: number): string {
  return `line ${text.slice(0, offset).split('\n').length}`;
}

/** The end of a line that may follow a member: a comma and a comment. */
const REST_OF_LINE = /^[ \t]*(,?)[ \t]*(?:\/\/[^\r\n]*|\/\*[^\r\n]*?\*\/[ \t]*)?(?=\r?\n)/;

/** Edit that replaces a value in the layout of its document. */
function replaceValue(text: string, node: Node, value: unknown): Edit {
  const indentation = indentationAt(text, node.offset);
  return { offset: node.offset, length: node.length, content: print(text, value, indentation) };
}

/** Edits that add a member as the last one of an object. */
function insertMember(text: string, parent: Node, member: { key: string; value: unknown }): Edit[] {
  const last = parent.children?.at(-1);
  return last === undefined ? insertFirst(text, parent, member) : insertAfter(text, last, member);
}

function insertAfter(text: string, last: Node, { key, value }: { key: string; value: unknown }): Edit[] {
  const end = last.offset + last.length;
  const onOwnLine = /(^|\n)[ \t]*$/.test(text.slice(0, last.offset));
  const indentation = indentationAt(text, last.offset);
  const content = `${JSON.stringify(key)}: ${print(text, value, indentation)}`;
  const rest = REST_OF_LINE.exec(text.slice(end));
  if (!onOwnLine || rest === null) {
    const separator = onOwnLine ? `,${lineEnd(text)}${indentation}` : ', ';
    return [{ offset: end, length: 0, content: separator + content }];
  }
  const member = {
    offset: end + rest[0].length,
    length: 0,
    content: `${lineEnd(text)}${indentation}${content}`,
  };
  return rest[1] === ',' ? [member] : [{ offset: end, length: 0, content: ',' }, member];
}

function insertFirst(text: string, parent: Node, { key, value }: { key: string; value: unknown }): Edit[] {
  const outer = indentationAt(text, parent.offset);
  const inner = outer + indentationUnit(text);
  const content = `${lineEnd(text)}${inner}${JSON.stringify(key)}: ${print(text, value, inner)}${lineEnd(text)}${outer}`;
  const start = parent.offset + 1;
  const inside = text.slice(start, parent.offset + parent.length - 1);
  // Comments stay; the white space after them is replaced.
  const kept = inside.trimEnd().length;
  return [{ offset: start + kept, length: inside.length - kept, content }];
}

/** Edits that take a member out, with its comma, and with its lines where it has them for itself. */
function removeMember(text: string, member: Node): Edit[] {
  const end = member.offset + member.length;
  const comma = commaAfter(text, end);
  const siblings = member.parent?.children ?? [];
  const previous = siblings[siblings.indexOf(member) - 1];
  const edits: Edit[] = [wholeLines(text, member.offset, comma === end ? end + 1 : end)];
  if (comma !== undefined && comma !== end) edits.push({ offset: comma, length: 1, content: '' });
  if (comma === undefined && previous !== undefined) {
    const before = commaAfter(text, previous.offset + previous.length);
    if (before !== undefined) edits.push({ offset: before, length: 1, content: '' });
  }
  return edits;
}

/** Position of the comma that is the next token, comments aside. */
function commaAfter(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  scanner.scan();
  const next = scanner.getTokenOffset();
  return text[next] === ',' ? next : undefined;
}

/** The range, widened to whole lines when nothing else stands on them; else with the white space before it. */
function wholeLines(text: string, start: number, end: number): Edit {
  const before = /[ \t]*$/.exec(text.slice(0, start))?.[0].length ?? 0;
  const after = /^[ \t]*(?:\r?\n)/.exec(text.slice(end))?.[0].length;
  const lineStart = start - before;
  const alone = after !== undefined && (lineStart === 0 || text[lineStart - 1] === '\n');
  return alone
    ? { offset: lineStart, length: end - lineStart + after, content: '' }
    : { offset: lineStart, length: end - lineStart, content: '' };
}

/** JSON in the layout of the document: one line when the document is one, lists of words always. */
function print(text: string, value: unknown, indentation: string): string {
  if (Array.isArray(value)) return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
  const lines = JSON.stringify(value, undefined, indentationUnit(text));
  return lines.split('\n').join(lineEnd(text) + indentation);
}

function indentationAt(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

function indentationUnit(text: string): string {
  return /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
}

function lineEnd(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}
