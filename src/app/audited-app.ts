import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config/schema.ts';
import { createLogger } from '../logger.ts';
import { AuditLog, CONSOLE } from '../people/audit-log.ts';
import type { PeopleStore } from '../people/people-store.ts';
import { PostgresPeopleStore } from '../people/postgres-people-store.ts';
import { SpaceQuotas } from '../people/quotas.ts';
import { SqlitePeopleStore, TEAM_DATABASE } from '../people/sqlite-people-store.ts';
import { PreparedDatabase } from '../store/postgres/prepared-database.ts';
import { type App, once } from './app.ts';
import { spaceServices } from './space-services.ts';
import { storeSettings } from './store-settings.ts';

/** Who may use the machine of the server may store as much as there is room for. */
const NO_QUOTAS = { spaceMemories: 0, spaceBytes: 0, spaceRate: 0, personRate: 0 };

/**
 * The app of a space for a program on the machine of the server: its calls are lines of the audit log, by `console`. They
 * are written before `close` ends, or lost when they cannot be: a command does not fail for its line.
 * @param settings of the team, not of the space
 */
export function auditedApp(app: App, settings: Settings, space: string): App {
  const store = peopleOf(settings);
  if (store === undefined) return app;
  const logger = createLogger({ level: settings.logLevel, format: settings.logFormat });
  const audit = new AuditLog({ store, days: settings.team.auditDays, now: Date.now, logger });
  const services = spaceServices({
    ...{ audit, space, person: CONSOLE, timeZone: app.memory.timeZone },
    quotas: new SpaceQuotas(NO_QUOTAS, Date.now),
    bytes: () => Promise.resolve(undefined),
    enter: () => Promise.resolve({ app, leave: () => undefined }),
  });
  return {
    ...app,
    ...services,
    close: once(async () => {
      await app.close();
      await audit.flush();
      await store.close();
    }),
  };
}

/** Undefined in a folder that never had people. */
function peopleOf(settings: Settings): PeopleStore | undefined {
  const { database } = storeSettings(settings);
  if (database !== undefined) return new PostgresPeopleStore(new PreparedDatabase(database));
  const path = join(settings.dataDir, TEAM_DATABASE);
  return existsSync(path) ? new SqlitePeopleStore(path) : undefined;
}
