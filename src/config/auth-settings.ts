import { SCOPES } from '../auth/principal.ts';
import {
  choice,
  optional,
  secret,
  setting,
  type SettingGroup,
  text,
  toggle,
  webAddress,
  webOrigin,
  wordPairs,
} from './setting.ts';

/** The settings for callers of the HTTP server; docs/sign-in.md explains them. */
export const authSchema = {
  mode: setting(choice(['token', 'oidc', 'embedded']), {
    doc: 'How callers of the HTTP server sign in: `token` knows only its tokens, `oidc` also the access tokens of an identity provider, `embedded` those of the authorization server in this program. The tokens of the server stay valid beside both.',
    environmentVariable: 'MEMORY_AUTH',
    default: 'token',
  }),
  publicUrl: optional(webOrigin(), {
    doc: 'Address at which clients reach the HTTP server, with `https:` unless it is this machine itself. It is the audience of access tokens.',
    environmentVariable: 'MEMORY_PUBLIC_URL',
    defaultDoc: 'the address it listens on, if that is this machine itself',
  }),
  issuer: optional(webAddress({ exact: true }), {
    doc: 'With `oidc`: the issuer, exactly as its metadata and tokens write it, also whether it ends with a slash.',
    environmentVariable: 'MEMORY_AUTH_ISSUER',
    defaultDoc: 'none',
  }),
  audience: setting(text(), {
    doc: 'With `oidc`: audiences that access tokens may have, separated by commas, for providers that cannot name the public address.',
    environmentVariable: 'MEMORY_AUTH_AUDIENCE',
    default: '',
  }),
  scopeClaim: setting(text(), {
    doc: 'With `oidc`: claim with the scopes, a list or a text with spaces. Dots lead into objects.',
    environmentVariable: 'MEMORY_AUTH_SCOPE_CLAIM',
    default: 'scope',
  }),
  personClaim: setting(text(), {
    doc: 'With `oidc`: claim that identifies the person; it must never change and never be given to another person.',
    environmentVariable: 'MEMORY_AUTH_PERSON_CLAIM',
    default: 'sub',
  }),
  nameClaim: setting(text(), {
    doc: 'With `oidc`: claim with the name to show.',
    environmentVariable: 'MEMORY_AUTH_NAME_CLAIM',
    default: 'name',
  }),
  groupsClaim: setting(text(), {
    doc: 'With `oidc`: claim with the groups of the person, for example `realm_access.roles` of Keycloak.',
    environmentVariable: 'MEMORY_AUTH_GROUPS_CLAIM',
    default: 'groups',
  }),
  groupScopes: setting(wordPairs(SCOPES), {
    doc: 'With `oidc`: what the members of groups may do, `*` = everybody: `admins=memory:admin,*=memory:read`. A token that names scopes allows only what both allow. Empty = the scopes of the token decide.',
    environmentVariable: 'MEMORY_AUTH_GROUP_SCOPES',
    default: '',
  }),
  clientId: optional(text(), {
    doc: 'With `oidc`: name of this server at the provider, to ask about opaque access tokens (introspection).',
    environmentVariable: 'MEMORY_AUTH_CLIENT_ID',
    defaultDoc: 'none; access tokens must be signed',
  }),
  clientSecret: secret({
    doc: 'With `oidc`: secret that belongs to the client id.',
    environmentVariable: 'MEMORY_AUTH_CLIENT_SECRET',
  }),
  pageClientId: optional(text(), {
    doc: 'With `oidc`: name of the web page at the provider, as a public client with PKCE that comes back to the public address with a slash. Without it the page takes tokens.',
    environmentVariable: 'MEMORY_AUTH_PAGE_CLIENT_ID',
    defaultDoc: 'none; the page takes tokens',
  }),
  secret: secret({
    doc: 'With `embedded`: encrypts the keys that sign tokens and cookies where they are stored, at least 32 characters. All servers of a database need the same.',
    environmentVariable: 'MEMORY_AUTH_SECRET',
  }),
  localClients: setting(toggle(), {
    doc: 'With `embedded`: the addresses at which clients describe themselves may be in the local network. Without it, they must be public.',
    environmentVariable: 'MEMORY_AUTH_LOCAL_CLIENTS',
    default: false,
  }),
} satisfies SettingGroup;
