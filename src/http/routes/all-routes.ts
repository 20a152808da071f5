import type { Route } from '../define-route.ts';
import { backupRoutes } from './backup-routes.ts';
import { memoryRoutes } from './memory-routes.ts';
import { searchRoutes } from './search-routes.ts';
import { statsRoute } from './stats-route.ts';
import { syncRoutes } from './sync-routes.ts';

/** The REST API; the OpenAPI document is made of the same list. Paths of words come before those with parameters. */
export const allRoutes: readonly Route[] = [
  ...searchRoutes,
  ...memoryRoutes,
  statsRoute,
  ...backupRoutes,
  ...syncRoutes,
];
