import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { Logger } from '../logger.ts';
import type { Access } from '../api/services.ts';

/** What Hono carries through a request: set by the guards, read by the routes. */
export interface HttpEnvironment {
  Bindings: HttpBindings;
  Variables: {
    /** Names this request in logs and in error answers. */
    requestId: string;
    logger: Logger;
    access: Access;
  };
}

export type HttpContext = Context<HttpEnvironment>;
