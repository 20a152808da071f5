import type { Scope } from './principal.ts';

/** This server as OAuth clients see it (RFC 9728). */
export interface ProtectedResource {
  /** Where clients reach the server, without a path: `https://memory.example.org`. */
  readonly publicUrl: string;
  /** Issuers that clients can get tokens from. */
  readonly authorizationServers: readonly string[];
}

/** A document at this path, or below it, describes the resource whose path follows. */
export const METADATA_PATH = '/.well-known/oauth-protected-resource';

/** What an MCP client asks for when it signs in: with less, half of the tools would be missing. */
const OFFERED: readonly Scope[] = ['memory:read', 'memory:write'];

const LONGEST_PATH = 200;

/**
 * The path of the resource that a request to `path` is about: an MCP endpoint is a resource of its own, all other paths
 * are one, whose path is empty.
 */
export function resourcePath(path: string): string {
  const trimmed = path.replace(/\/+$/, '');
  return isEndpoint(trimmed) && trimmed.length <= LONGEST_PATH ? trimmed : '';
}

function isEndpoint(path: string): boolean {
  return path === '/mcp' || path === '/sse' || /^\/(?:mcp|sse)(?:\/[\w.~%-]+)+$/.test(path);
}

/** @param path of the resource, as `resourcePath` gives it */
export function resourceMetadata(
  { publicUrl, authorizationServers }: ProtectedResource,
  path: string,
): Readonly<Record<string, unknown>> {
  return {
    resource: publicUrl + path,
    authorization_servers: authorizationServers,
    scopes_supported: OFFERED,
    bearer_methods_supported: ['header'],
    resource_name: 'faiss-memory',
  };
}

/** True for an audience or resource indicator that names this server, or one of its MCP endpoints. */
export function isOwnResource(publicUrl: string, value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { origin, pathname, search, hash, username } = new URL(value);
  if (origin !== publicUrl || search !== '' || hash !== '' || username !== '') return false;
  return pathname === '/' || resourcePath(pathname) !== '';
}

export interface Challenge {
  /** Absent: the request had no credential. */
  readonly error?: 'invalid_token' | 'insufficient_scope';
  readonly description?: string;
  readonly scopes?: readonly Scope[];
}

/** The value of `WWW-Authenticate` for a request to `path`. */
export function challengeOf(
  resource: ProtectedResource | undefined,
  path: string,
  { error, description, scopes = OFFERED }: Challenge = {},
): string {
  const parts = ['realm="faiss-memory"'];
  if (resource !== undefined) {
    if (error !== undefined) parts.push(`error="${error}"`);
    if (description !== undefined) parts.push(`error_description="${quotable(description)}"`);
    parts.push(`resource_metadata="${resource.publicUrl}${METADATA_PATH}${resourcePath(path)}"`);
    parts.push(`scope="${scopes.join(' ')}"`);
  }
  return `Bearer ${parts.join(', ')}`;
}

/** As RFC 6750 allows it in a quoted string. */
function quotable(text: string): string {
  return text.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'");
}
