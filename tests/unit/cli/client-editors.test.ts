import fc from 'fast-check';
import { parse as parseJson } from 'jsonc-parser';
import { parse as parseToml, stringify } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { EditError, type ServerMember } from '../../../src/cli/clients/config-editor.ts';
import { createJsonEditor } from '../../../src/cli/clients/json-editor.ts';
import { createTomlEditor } from '../../../src/cli/clients/toml-editor.ts';

const NAME = 'faiss-memory';
const entry: ServerMember = { command: 'npx', args: ['-y', NAME] };
const json = createJsonEditor('mcpServers');
const toml = createTomlEditor('mcp_servers');

describe('JSON', () => {
  test('writes a new file as people would', () => {
    expect(json.setServer('', NAME, entry)).toBe(`{
  "mcpServers": {
    "faiss-memory": {
      "command": "npx",
      "args": ["-y", "faiss-memory"]
    }
  }
}
`);
  });

  test('adds lines and touches no other', () => {
    const before = `// my servers
{
\t"mcpServers": {
\t\t// the first
\t\t"a": { "command": "x", "args": [ ] }, // mine
\t\t"b": {"command":"y"} // and this
\t},
\t"other": [1,2,   3], /* odd */
}
`;
    const after = json.setServer(before, NAME, { ...entry, type: 'stdio' });
    expect(after).toBe(`// my servers
{
\t"mcpServers": {
\t\t// the first
\t\t"a": { "command": "x", "args": [ ] }, // mine
\t\t"b": {"command":"y"}, // and this
\t\t"faiss-memory": {
\t\t\t"command": "npx",
\t\t\t"args": ["-y", "faiss-memory"],
\t\t\t"type": "stdio"
\t\t}
\t},
\t"other": [1,2,   3], /* odd */
}
`);
    expect(json.setServer(after, NAME, { ...entry, type: 'stdio' })).toBe(after);
    expect(json.removeServer(after, NAME)).toBe(before);
  });

  test('changes how a server is started and keeps the rest of it', () => {
    const before = `{ "mcpServers": { "faiss-memory": { "command": "old", "args": [], /* mine */ "env": { "A": "b" } } } }`;
    expect(json.setServer(before, NAME, entry)).toBe(
      `{ "mcpServers": { "faiss-memory": { "command": "npx", "args": ["-y", "faiss-memory"], /* mine */ "env": { "A": "b" } } } }`,
    );
  });

  test('keeps Windows line ends and the byte order mark', () => {
    const before = '\uFEFF{\r\n  "a": 1\r\n}\r\n';
    const after = json.setServer(before, NAME, entry);
    expect(after.startsWith('\uFEFF')).toBe(true);
    expect(after.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect(json.servers(after)).toEqual({ [NAME]: entry });
  });

  test.each([
    ['{"mcpServers": {', /not valid JSON/],
    ['{"mcpServers": []}', /no object at mcpServers/],
    ['[]', /no JSON object/],
    ['"text"', /no JSON object/],
    ['{"mcpServers": {"a": 1}, "mcpServers": {}}', /cannot be edited safely|twice|edited/],
  ])('refuses %j', (text, reason) => {
    expect(() => json.setServer(text, NAME, entry)).toThrow(EditError);
    expect(() => json.setServer(text, NAME, entry)).toThrow(reason);
  });

  test('gives back the same content after adding and removing, whatever is in the file', () => {
    const layout = fc.constantFrom(undefined, 1, 2, 4, '\t');
    const server = fc.record({ command: fc.string(), args: fc.array(fc.string()) });
    const content = fc.record(
      { mcpServers: fc.dictionary(fc.string(), server), x: fc.jsonValue(), z: fc.jsonValue() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(content, layout, fc.constantFrom('\n', '\r\n'), (value, indentation, lineEnd) => {
        const servers = value.mcpServers ?? {};
        const before = JSON.stringify({ ...value, mcpServers: servers }, undefined, indentation).replaceAll(
          '\n',
          lineEnd,
        );
        // Refused, because objects cannot be compared by their prototypes.
        fc.pre(!before.includes('__proto__') && !Object.hasOwn(servers, NAME));
        const added = json.setServer(before, NAME, entry);
        expect(json.servers(added)[NAME]).toEqual(entry);
        expect(json.setServer(added, NAME, entry)).toBe(added);
        expect(JSON.parse(added)).toEqual({
          ...(JSON.parse(before) as object),
          mcpServers: { ...servers, [NAME]: entry },
        });
        expect(JSON.parse(json.removeServer(added, NAME))).toEqual(JSON.parse(before));
      }),
    );
  });

  test('keeps every comment, wherever it stands', () => {
    const comment = fc.constantFrom('', ' /* c */ ', ' // c\n', '\n// c\n', '\n', '  ');
    fc.assert(
      fc.property(
        fc.array(comment, { minLength: 9, maxLength: 9 }),
        fc.boolean(),
        fc.boolean(),
        (c, trailing, empty) => {
          const servers = empty
            ? c[4]
            : `${c[4]}"a"${c[5]}: {"command": "x"}${c[6]}${trailing ? ',' : ''}${c[7]}`;
          const before = `${c[0]}{${c[1]}"mcpServers"${c[2]}:${c[3]}{${servers}}${c[8]}}`;
          const added = json.setServer(before, NAME, entry);
          expect(added.split('c ').length + added.split('c\n').length).toBeGreaterThanOrEqual(
            before.split('c ').length + before.split('c\n').length,
          );
          expect(json.servers(added)).toEqual({ ...(empty ? {} : { a: { command: 'x' } }), [NAME]: entry });
          const removed = json.removeServer(added, NAME);
          expect(removed.match(/\/\/ c|\/\* c/g)).toEqual(before.match(/\/\/ c|\/\* c/g));
          expect(parseJson(removed, [], { allowTrailingComma: true })).toEqual(
            parseJson(before, [], { allowTrailingComma: true }),
          );
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('TOML', () => {
  const before = `# Codex
model = "o5"
notify = [
  "a", # one
  "[mcp_servers.faiss-memory]",
]
text = """
[mcp_servers.faiss-memory]
command = "no"
"""

[mcp_servers.other]
command = 'x' # other

# about the profile
[profiles.fast]
when = 2026-01-31T12:00:00Z
`;

  test('adds a table at the end and takes it out again', () => {
    const after = toml.setServer(before, NAME, entry);
    expect(after).toBe(`${before}
[mcp_servers.faiss-memory]
command = "npx"
args = [ "-y", "faiss-memory" ]
`);
    expect(toml.setServer(after, NAME, entry)).toBe(after);
    expect(toml.removeServer(after, NAME)).toBe(before);
  });

  test('changes how a server is started and keeps the rest of it', () => {
    const old = `${before}
[mcp_servers.faiss-memory]
# started by hand
command = "node"
args = [
  "dist/x.js",
]
startup_timeout_sec = 20 # slow

[mcp_servers.faiss-memory.env]
A = "b"

[last]
z = 1
`;
    const after = toml.setServer(old, NAME, entry);
    expect(after).toBe(`${before}
[mcp_servers.faiss-memory]
command = "npx"
args = [ "-y", "faiss-memory" ]
# started by hand
startup_timeout_sec = 20 # slow

[mcp_servers.faiss-memory.env]
A = "b"

[last]
z = 1
`);
    expect(toml.removeServer(after, NAME)).toContain('# started by hand\n\n[last]\nz = 1\n');
  });

  test('writes variables into a table below', () => {
    const after = toml.setServer('', NAME, { ...entry, env: { MEMORY_DATA_DIR: '/m' } });
    expect(parseToml(after)).toEqual({
      mcp_servers: { [NAME]: { ...entry, env: { MEMORY_DATA_DIR: '/m' } } },
    });
  });

  test.each([
    ['[mcp_servers', /no valid TOML/],
    ['mcp_servers = 1', /no table at mcp_servers/],
    ['mcp_servers = { a = { command = "x" } }', /no valid TOML|cannot be edited safely/],
    ['[mcp_servers]\nfaiss-memory = { command = "x" }', /cannot be edited safely/],
    ['mcp_servers.faiss-memory.command = "x"', /cannot be edited safely/],
  ])('refuses %j', (text, reason) => {
    expect(() => toml.setServer(text, NAME, entry)).toThrow(EditError);
    expect(() => toml.setServer(text, NAME, entry)).toThrow(reason);
  });

  test('gives back the same content after adding and removing, whatever is in the file', () => {
    const word = fc.stringMatching(/^[a-z]{1,6}$/);
    const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string()));
    const server = fc.dictionary(word, value, { minKeys: 1 });
    const content = fc.tuple(
      fc.dictionary(word, value),
      fc.dictionary(word, server),
      fc.dictionary(word, server),
    );
    fc.assert(
      fc.property(content, fc.constantFrom('\n', '\r\n'), ([root, servers, tables], lineEnd) => {
        const all = {
          ...root,
          ...tables,
          ...(Object.keys(servers).length === 0 ? {} : { mcp_servers: servers }),
        };
        const text = stringify(all).replaceAll('\n', lineEnd);
        const added = toml.setServer(text, NAME, entry);
        expect(structuredClone(toml.servers(added))).toEqual({ ...servers, [NAME]: entry });
        expect(toml.setServer(added, NAME, entry)).toBe(added);
        expect(structuredClone(parseToml(toml.removeServer(added, NAME)))).toEqual(
          structuredClone(parseToml(text)),
        );
      }),
    );
  });
});
