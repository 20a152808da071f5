import { isDeepStrictEqual } from 'node:util';
import {
  applyEdits,
  findNodeAtLocation,
  parse,
  parseTree,
  printParseErrorCode,
  type Node,
  type ParseError,
} from 'jsonc-parser';
import { EditError, type ConfigEditor, type ServerMap, type ServerMember } from './config-editor.ts';
import { insertMember, removeMember, replaceValue } from './json-members.ts';

type JsonObject = Record<string, unknown>;

/** Editor for JSON, with comments and trailing commas where the client allows them. */
export function createJsonEditor(section: string): ConfigEditor {
  return {
    servers: (text) => serversOf(read(text), section),
    setServer: (text, name, entry) => setServer(text, [section, name], entry),
    removeServer: (text, name) => removeServer(text, [section, name]),
  };
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
  const member = findNodeAtLocation(rootOf(text), [section, name])?.parent;
  if (member === undefined) throw new EditError(`names ${section} or ${name} twice`);
  return checked(applyEdits(text, removeMember(text, member)), { ...before, [section]: others });
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

/** What was written must read back as what was meant. */
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

function read(text: string): JsonObject {
  if (withoutMark(text).trim() === '') return {};
  const errors: ParseError[] = [];
  const content: unknown = parse(withoutMark(text), errors, PARSE_OPTIONS);
  const [error] = errors;
  if (error !== undefined) {
    throw new EditError(
      `is no valid JSON: ${printParseErrorCode(error.error)} in ${lineOf(text, error.offset)}`,
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

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
