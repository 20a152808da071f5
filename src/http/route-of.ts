import { matchedRoutes } from 'hono/route';
import type { HttpContext } from './http-environment.ts';
import { REST_OF_PATH } from './mount-route.ts';

const EVERY_PATH = '/*';

/** The declared path that a request met, such as `/memory/:id`; `/*` when it met none. */
export function routeOf(context: HttpContext): string {
  // Guards stand for every path, before and behind the routes.
  const own = matchedRoutes(context).findLast(({ path }) => path !== EVERY_PATH);
  return own?.path.replace(REST_OF_PATH, '') ?? EVERY_PATH;
}
