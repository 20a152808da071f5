import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { Workspace } from '../api/services.ts';
import type { Principal } from '../auth/principal.ts';
import type { ProtectedResource } from '../auth/protected-resource.ts';
import type { Logger } from '../logger.ts';
import type { SecretString } from '../util/secret-string.ts';

/** The variables that Hono carries through a request: set by the guards, read by the routes. */
export interface HttpEnvironment {
  Bindings: HttpBindings;
  Variables: {
    /** Names this request in logs and in error answers. */
    requestId: string;
    logger: Logger;
    principal: Principal;
    workspace: Workspace;
    /** Where clients sign in; undefined without OAuth. */
    resource: ProtectedResource | undefined;
    /** Headers of a page with forms, instead of those of all other answers. */
    pageHeaders?: Readonly<Record<string, string>>;
  };
}

export type HttpContext = Context<HttpEnvironment>;

/** How the HTTP server is reached, and its limits. */
export interface HttpSettings {
  readonly host: string;
  /** 0 = a free one. */
  readonly port: number;
  /** Allows everything. Without it everybody who reaches the server may do everything. */
  readonly token: SecretString | undefined;
  /** Allows only to read. */
  readonly readToken: SecretString | undefined;
  /** Names in lower case that clients may call the server by, besides those of the machine itself. */
  readonly allowedHosts: readonly string[];
  /** Origins, as browsers send them, whose pages may call the server. */
  readonly allowedOrigins: readonly string[];
  /** PEM texts. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined;
  /** Bytes. */
  readonly bodyLimit: number;
  /** Requests a minute and client address; 0 = any number. */
  readonly rateLimit: number;
  /** Requests that are worked on at the same time; 0 = any number. */
  readonly concurrency: number;
  /** Requests that may wait for that. */
  readonly queue: number;
}
