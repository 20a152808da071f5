import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Workspace } from '../api/services.ts';
import { type Authenticator, type Principal, SERVER_PERSON } from '../auth/principal.ts';
import type { Settings } from '../config/schema.ts';
import { NotAllowedError } from '../errors/people-errors.ts';
import { createLogger, type Logger } from '../logger.ts';
import { AuditLog } from '../people/audit-log.ts';
import type { PeopleStore, Role } from '../people/people-store.ts';
import {
  ALLOWED_PERSON_IDS,
  isPersonId,
  type PersonAccounts,
  PeopleService,
} from '../people/people-service.ts';
import { DEFAULT_SPACE } from '../people/space-service.ts';
import { personalTokens } from '../people/personal-tokens.ts';
import { PostgresPeopleStore } from '../people/postgres-people-store.ts';
import { SpaceQuotas } from '../people/quotas.ts';
import { SqlitePeopleStore, TEAM_DATABASE } from '../people/sqlite-people-store.ts';
import { PreparedDatabase } from '../store/postgres/prepared-database.ts';
import { DRILL_PREFIX } from '../store/sqlite/sqlite-work-lock.ts';
import { createFolders } from '../util/durable-file.ts';
import { visibleJson } from '../util/visible-text.ts';
import { type App, composeApp, once } from './app.ts';
import { personAccounts } from './callers.ts';
import { OpenSpaces } from './open-spaces.ts';
import { DatabaseHome, FolderHome, type SpaceHome } from './space-homes.ts';
import { spaceServices } from './space-services.ts';
import { storeSettings } from './store-settings.ts';

/** People and spaces of one data folder. */
export interface Team {
  readonly people: PeopleService;
  /** Works with the app of a space, which stays open meanwhile. */
  use<Result>(space: string, work: (app: App) => Promise<Result>): Promise<Result>;
  /** Knows personal tokens. */
  readonly authenticator: Authenticator;
  /**
   * The memories that a request is about.
   * @param space undefined = the caller's own
   * @throws NoSuchError for a space that the caller may not know of, NotAllowedError, RequestRefusedError (`RATE_LIMITED`)
   */
  find(caller: Principal, space: string | undefined): Promise<Workspace>;
  /** For long-lived processes: erases old trash of spaces, removed spaces and old audit lines. Idempotent. */
  startBackground(): void;
  /** Closes all spaces, not the app of the data folder. Idempotent. */
  close(): Promise<void>;
}

export interface TeamSurroundings {
  /** Of the data folder itself. */
  readonly main: App;
  readonly logger: Logger;
  /** See `OpenSpacesParts`; default true. */
  readonly background?: boolean;
  /** See `PeopleServiceParts`. */
  readonly accounts?: PersonAccounts;
  /** Where the folders of spaces are; default: in the data folder. */
  readonly spacesIn?: string;
}

const MEBIBYTE = 1_024 ** 2;
const MINUTE_MS = 60_000;
const FIRST_TIDY_MS = 60_000;
const DAY_MS = 86_400_000;

/** Composes people and spaces. Opens no file; the first call does. */
export function composeTeam(settings: Settings, surroundings: TeamSurroundings): Team {
  const { main, logger, accounts, background = true, spacesIn = settings.dataDir } = surroundings;
  const { team } = settings;
  const { store, home } = openPeople(settings, spacesIn);
  const audit = new AuditLog({ store, days: team.auditDays, now: Date.now, logger });
  const spaces = new OpenSpaces({
    ...{ settings: { ...settings, dataDir: spacesIn }, home, main, logger, background },
    ...{ limit: team.openSpaces, idleMs: team.idleMinutes * MINUTE_MS },
  });
  const people = new PeopleService({
    ...{ store, folders: spaces, audit, accounts, now: Date.now },
    spacesPerPerson: team.personSpaces,
    trashDays: settings.trashDays,
  });
  const quotas = new SpaceQuotas(
    {
      spaceMemories: team.spaceMemories,
      spaceBytes: team.spaceMiB * MEBIBYTE,
      spaceRate: team.spaceRate,
      personRate: team.personRate,
    },
    Date.now,
  );
  // At this program itself only people sign in who were added: an account without a person is left from before.
  const signUp = team.signUp && settings.auth.mode === 'oidc';
  const find = workspaceFinder({ people, audit, quotas, spaces, main, logger, signUp });
  let timer: NodeJS.Timeout | undefined;
  const tidy = async (): Promise<void> => {
    timer = setTimeout(() => void tidy(), DAY_MS).unref();
    await tidyOnce({ people, audit, spaces, logger });
  };
  return {
    people,
    find,
    use: (space, work) => spaces.use(space, work),
    authenticator: personalTokens(store, Date.now),
    startBackground: () => {
      timer ??= setTimeout(() => void tidy(), FIRST_TIDY_MS).unref();
    },
    close: once(async () => {
      clearTimeout(timer);
      await spaces.close();
      await audit.flush();
      await store.close();
    }),
  };
}

type TidyParts = Pick<FinderParts, 'people' | 'audit' | 'spaces' | 'logger'>;

/** Erases what is old enough. A failure of one step stops no other. */
async function tidyOnce({ people, audit, spaces, logger }: TidyParts): Promise<void> {
  const steps = [
    () =>
      people.spaces.expireSpaces((space, error) => {
        logger.warn('a removed space could not be erased', { space }, error);
      }),
    () => audit.expire(),
    async () => {
      const used = (await people.spaces.spaces()).filter(
        ({ id, removed }) => removed === null && id !== DEFAULT_SPACE,
      );
      await spaces.tidy(used.map(({ id }) => id));
    },
  ];
  for (const step of steps) {
    await step().catch((error: unknown) => {
      logger.warn('the spaces could not be tidied', {}, error);
    });
  }
}

/** Connections of the main thread, beside those of the threads of the stores. */
const PEOPLE_POOL = { reads: 2, writes: 2 };

function openPeople(settings: Settings, spacesIn: string): { store: PeopleStore; home: SpaceHome } {
  const { database: place } = storeSettings(settings);
  if (place === undefined) {
    const store = new SqlitePeopleStore(join(settings.dataDir, TEAM_DATABASE));
    return { store, home: new FolderHome(spacesIn) };
  }
  const database = new PreparedDatabase(place, { sizes: PEOPLE_POOL });
  const home = new DatabaseHome(database, { ...settings, dataDir: spacesIn });
  return { store: new PostgresPeopleStore(database), home };
}

/** For commands: the team of a data folder or of a database, together with its app. */
export function openTeamOf(settings: Settings): Team {
  const logger = createLogger({ level: settings.logLevel, format: settings.logFormat });
  const main = composeApp({ ...settings, space: '' }, { logger });
  const passing = settings.store === 'postgres' ? passingFolder(settings.dataDir) : undefined;
  const team = composeTeam(settings, {
    ...{ main, logger, background: false },
    ...(passing === undefined ? {} : { spacesIn: passing }),
    accounts: personAccounts(settings),
  });
  return {
    ...team,
    close: once(async () => {
      await team.close();
      await main.close();
      if (passing !== undefined) rmSync(passing, { recursive: true, force: true, maxRetries: 3 });
    }),
  };
}

/** Indexes of people's spaces do not stay on a machine where a command ran. */
function passingFolder(dataDir: string): string {
  createFolders(dataDir);
  return mkdtempSync(join(dataDir, DRILL_PREFIX));
}

interface FinderParts {
  readonly people: PeopleService;
  readonly audit: AuditLog;
  readonly quotas: SpaceQuotas;
  readonly spaces: OpenSpaces;
  readonly main: App;
  readonly logger: Logger;
  readonly signUp: boolean;
}

function workspaceFinder(parts: FinderParts): Team['find'] {
  const { audit, quotas, spaces, main, logger } = parts;
  return async (caller, named) => {
    const { person } = caller;
    const space =
      named ?? (person === SERVER_PERSON ? DEFAULT_SPACE : (await knownPerson(parts, caller)).space);
    quotas.admitPerson(person);
    const role = await roleOf(parts, caller, space);
    // Others must not use up what the members may ask, nor fill the memory with names of spaces.
    quotas.admitTo(space);
    const mayWrite = caller.scopes.has('memory:write');
    const access = role !== 'reader' && mayWrite ? 'write' : 'read';
    const enter = (): ReturnType<OpenSpaces['enter']> => spaces.enter(space);
    const bytes = (): ReturnType<OpenSpaces['bytes']> => spaces.bytes(space);
    const services = spaceServices({
      ...{ enter, audit, quotas, bytes, person, space, timeZone: main.memory.timeZone },
    });
    return {
      access,
      key: JSON.stringify([person, space, access]),
      space,
      noteRefusal: () => {
        audit.note({ person, space, action: 'space.write', count: 0, refused: 'FORBIDDEN' });
      },
      parts: {
        open: () => Promise.resolve(services),
        prepare: () => {
          spaces
            .use(space, (app) => {
              app.prepareSearch();
              return Promise.resolve();
            })
            .catch((error: unknown) => {
              logger.debug('a space was not prepared for a search', {}, error);
            });
        },
        logger,
      },
    };
  };
}

async function knownPerson(
  { people, signUp }: FinderParts,
  { person, name }: Principal,
): Promise<{ space: string }> {
  const known = await people.findPerson(person);
  if (known !== null) return known;
  if (!isPersonId(person)) {
    throw new NotAllowedError(
      `Your identity provider calls you ${visibleJson(person)}, and this server can have no person of this id`,
      `Its administrator can choose another claim with MEMORY_AUTH_PERSON_CLAIM; ${ALLOWED_PERSON_IDS}.`,
    );
  }
  if (signUp) {
    // Of several first requests at once one adds the person.
    return people.addPerson(person, { name, by: person }).catch(async (error: unknown) => {
      const added = await people.findPerson(person);
      if (added === null) throw error;
      return added;
    });
  }
  throw new NotAllowedError(
    'You are not known to this server',
    'Ask its administrator to add you with "faiss-memory user add".',
  );
}

async function roleOf({ people, audit }: FinderParts, { person }: Principal, space: string): Promise<Role> {
  try {
    return await people.spaces.requireRole(space, { person, role: 'reader' });
  } catch (error) {
    // Owners see the person who tried. Of spaces that do not exist nothing is kept.
    if (await people.spaces.hasSpace(space))
      audit.note({ person, space, action: 'space.enter', count: 0, refused: 'NOT_FOUND' });
    throw error;
  }
}
