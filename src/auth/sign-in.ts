import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Scope } from './principal.ts';

/** Everything below is answered by the authorization server in this program. */
export const SIGN_IN_PATH = '/oauth';

/** Ends the sign-in of a browser. */
export const SIGN_OUT_PATH = `${SIGN_IN_PATH}/sign-out`;

/** The web page as a client of the authorization server in this program. It comes back to the page itself, exactly. */
export const PAGE_CLIENT = 'page';

/** Paths of the OAuth protocol, as patterns of routes. The other paths below `SIGN_IN_PATH` are pages. */
export const PROTOCOL_PATHS = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
  `${SIGN_IN_PATH}/authorize`,
  `${SIGN_IN_PATH}/authorize/:uid`,
  `${SIGN_IN_PATH}/token`,
  `${SIGN_IN_PATH}/register`,
  `${SIGN_IN_PATH}/revoke`,
  `${SIGN_IN_PATH}/jwks`,
] as const;

export function isProtocolPath(path: string): boolean {
  return PROTOCOL_PATHS.some((pattern) => path === pattern) || path.startsWith(`${SIGN_IN_PATH}/authorize/`);
}

/** The request and answer of Node.js: cookies are read from the one and set on the other. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** The question to a person before a client gets a code. */
export interface Question {
  readonly kind: 'login' | 'consent';
  /** Of the sign-in that is under way. */
  readonly uid: string;
  readonly client: AskingClient;
  /** Those that it asks for and the person may allow; empty before the person is known. */
  readonly scopes: readonly Scope[];
  /** Of the person who has signed in; empty before. */
  readonly person: string;
}

export interface AskingClient {
  /** As the client writes it; not to be believed. */
  readonly name: string;
  /** Where the code goes. */
  readonly redirectUri: string;
  /** The address at which the client describes itself; undefined for one that registered itself. */
  readonly document: string | undefined;
  /** True for the web page of this server. */
  readonly isPage: boolean;
}

/** The outcome of a form; `next` is the address to go to. */
export type Outcome =
  | { readonly next: string }
  | { readonly problem: 'wrong' | 'expired' }
  /** @param waitSeconds until the next attempt counts */
  | { readonly problem: 'too-many'; readonly waitSeconds: number };

export interface Attempt {
  readonly name: string;
  readonly password: string;
  /** Of the client's connection. */
  readonly address: string;
}

/** The authorization server in this program, as its pages see it. */
export interface SignInServer {
  /** Answers a request of the OAuth protocol, at a path of `PROTOCOL_PATHS`. Never rejects. */
  answer(exchange: Exchange): Promise<void>;
  /** @returns undefined when this browser has no such sign-in under way */
  question(exchange: Exchange, uid: string): Promise<Question | undefined>;
  signIn(exchange: Exchange, uid: string, attempt: Attempt): Promise<Outcome>;
  /** @param allowed undefined = the person refuses */
  decide(exchange: Exchange, uid: string, allowed: ReadonlySet<Scope> | undefined): Promise<Outcome>;
  /** Ends the sign-in of this browser, which then asks for the password again. */
  end(exchange: Exchange): Promise<void>;
  /** The name of the person who was invited; undefined when the invitation does not count, or not any more. */
  invited(invitation: string): Promise<string | undefined>;
  /** @returns undefined when it is accepted, else the problem in words */
  acceptInvitation(invitation: string, password: string): Promise<string | undefined>;
  close(): Promise<void>;
}
