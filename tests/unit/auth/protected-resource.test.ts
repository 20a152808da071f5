import { describe, expect, test } from 'vitest';
import {
  challengeOf,
  isOwnResource,
  resourceMetadata,
  resourcePath,
} from '../../../src/auth/protected-resource.ts';

const PUBLIC = 'https://memory.example.org';
const RESOURCE = { publicUrl: PUBLIC, authorizationServers: ['https://login.example.org'] };

test.each([
  ['/mcp', '/mcp'],
  ['/mcp/', '/mcp'],
  ['/mcp/team-a', '/mcp/team-a'],
  ['/mcp/team-a/b.c', '/mcp/team-a/b.c'],
  ['/sse', '/sse'],
  ['/stats', ''],
  ['/mcpx', ''],
  ['/mcp/a"b', ''],
  [`/mcp/${'a'.repeat(300)}`, ''],
])('a request to %s is about the resource %j', (path, expected) => {
  expect(resourcePath(path)).toBe(expected);
  expect(resourceMetadata(RESOURCE, expected)['resource']).toBe(PUBLIC + expected);
});

test.each([
  PUBLIC,
  `${PUBLIC}/`,
  `${PUBLIC}/mcp`,
  `${PUBLIC}/mcp/`,
  `${PUBLIC}/mcp/team`,
  'HTTPS://Memory.Example.org/mcp',
])('%s names this server', (value) => {
  expect(isOwnResource(PUBLIC, value)).toBe(true);
});

test.each([
  '',
  'memory.example.org',
  'http://memory.example.org/mcp',
  `${PUBLIC}:8443/mcp`,
  `${PUBLIC}.evil.example.org/mcp`,
  'https://user@memory.example.org/mcp',
  `${PUBLIC}/mcp?x`,
  `${PUBLIC}/mcp#x`,
  `${PUBLIC}/other`,
  `${PUBLIC}/mcp/../other`,
])('%s does not', (value) => {
  expect(isOwnResource(PUBLIC, value)).toBe(false);
});

describe('the challenge', () => {
  test('names the document of exactly the resource that was asked for', () => {
    expect(challengeOf(RESOURCE, '/mcp/team', { scopes: ['memory:read'] })).toBe(
      `Bearer realm="faiss-memory", resource_metadata="${PUBLIC}/.well-known/oauth-protected-resource/mcp/team", scope="memory:read"`,
    );
  });

  test('quotes nothing that ends its quotes', () => {
    const challenge = challengeOf(RESOURCE, '/mcp', {
      error: 'invalid_token',
      description: 'a "b" \\ c\r\nX: é',
    });
    expect(challenge).toContain(`error_description="a 'b' ' c''X: '"`);
  });

  test('is the old one without OAuth', () => {
    expect(challengeOf(undefined, '/mcp', { error: 'invalid_token' })).toBe('Bearer realm="faiss-memory"');
  });
});
