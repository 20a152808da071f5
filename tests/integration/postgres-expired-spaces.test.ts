import { afterEach, beforeEach, expect, test } from 'vitest';
import { DatabaseHome } from '../../src/app/space-homes.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { createLogger } from '../../src/logger.ts';
import { AuditLog } from '../../src/people/audit-log.ts';
import { PostgresPeopleStore } from '../../src/people/postgres-people-store.ts';
import { type SpaceFolders, SpaceService } from '../../src/people/space-service.ts';
import { PostgresLog } from '../../src/store/postgres/postgres-log.ts';
import { PreparedDatabase } from '../../src/store/postgres/prepared-database.ts';
import { draft } from '../helpers/drafts.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import { textsOf } from '../helpers/stores-behind-proxy.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

const SCHEMA = 'faiss_memory';
const LONG_AGO = 5;
const logger = createLogger({ level: 'error' });

/** Happens in the middle of the erasure of a space. */
interface Meanwhile {
  before?: () => Promise<void>;
  after?: () => Promise<void>;
}

await describeWithPostgres('spaces that were removed long ago', (server) => {
  let url: string;
  let people: PostgresPeopleStore;
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  /** The spaces as one server of the team has them. */
  function spacesOfServer(meanwhile: Meanwhile = {}): SpaceService {
    const database = new PreparedDatabase({ url, schema: SCHEMA });
    const audit: AuditLog = new AuditLog({ store: people, days: 0, now: Date.now, logger });
    const store = new PostgresPeopleStore(new PreparedDatabase({ url, schema: SCHEMA }));
    closing.push(
      () => database.close(),
      () => store.close(),
      () => audit.flush(),
    );
    const folder = temporaryFolder();
    const places = { homeDirectory: folder, workingDirectory: folder };
    const { settings } = resolveConfig({ env: {}, platform: 'linux', ...places });
    const home = new DatabaseHome(database, { ...settings, dataDir: folder });
    const folders: SpaceFolders = {
      isFree: (space) => home.isFree(space),
      create: (space) => home.create(space),
      contentOf: () => Promise.reject(new Error('nobody asks')),
      moveToTrash: (space) => home.moveToTrash(space),
      bringBack: (space) => home.bringBack(space),
      erase: async (space) => {
        await meanwhile.before?.();
        await home.erase(space);
        await meanwhile.after?.();
      },
    };
    return new SpaceService({ store, folders, audit, now: Date.now, spacesPerPerson: 0, trashDays: 30 });
  }

  const memoriesOf = (space: string): ReturnType<typeof openSqliteStore> =>
    openSqliteStore(temporaryFolder(), {
      log: new PostgresLog({ url, schema: SCHEMA, space, ofTeam: true }),
    });
  const expire = async (spaces: SpaceService): Promise<string[]> => {
    const failed: string[] = [];
    await spaces.expireSpaces((space) => failed.push(space));
    return failed;
  };
  const removedLongAgo = async (id: string): Promise<void> => {
    await spacesOfServer().createSpace(id, { owner: 'ada', by: 'ada' });
    await memoriesOf(id).add([draft(`old memory of ${id}`)]);
    await people.setRemoved(id, LONG_AGO, null);
  };
  const idsLeft = async (): Promise<string[]> => (await people.spaces()).map(({ id }) => id);

  beforeEach(async () => {
    url = await server().createDatabase();
    people = new PostgresPeopleStore(new PreparedDatabase({ url, schema: SCHEMA }));
    closing.push(() => people.close());
    const own = { id: 'ada', name: 'Ada', kind: 'personal', created: 1, removed: null } as const;
    await people.addPerson({ id: 'ada', name: 'Ada', space: 'ada', created: 1 }, own);
  });

  test('are all erased but the one that the database refuses to erase, which is tried again', async () => {
    for (const id of ['a-shed', 'b-barn', 'c-attic']) await removedLongAgo(id);
    await server().sql(
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
       CREATE TRIGGER refused BEFORE DELETE ON ${SCHEMA}.space FOR EACH ROW WHEN (OLD.id = 'a-shed')
         EXECUTE FUNCTION refuse()`,
      url,
    );
    expect(await expire(spacesOfServer())).toEqual(['a-shed']);
    expect(await idsLeft()).toEqual(['a-shed', 'ada', 'default']);
    await server().sql(`DROP TRIGGER refused ON ${SCHEMA}.space`, url);
    expect(await expire(spacesOfServer())).toEqual([]);
    expect(await idsLeft()).toEqual(['ada', 'default']);
    expect(await server().sql(`SELECT DISTINCT space FROM ${SCHEMA}.version`, url)).toEqual([]);
  });

  for (const moment of ['before', 'after'] as const) {
    test(`do not take a new space of the same id along, made ${moment} the erasure by another server`, async () => {
      await removedLongAgo('kitchen');
      const other = spacesOfServer();
      const again = async (): Promise<void> => {
        await other.expireSpaces(() => undefined);
        await other.createSpace('kitchen', { owner: 'ada', by: 'ada' });
        await memoriesOf('kitchen').add([draft('the kettle is new')]);
      };
      expect(await expire(spacesOfServer({ [moment]: again }))).toEqual([]);
      expect(await people.role('kitchen', 'ada')).toBe('owner');
      expect(await textsOf(memoriesOf('kitchen'))).toEqual(['the kettle is new']);
    });
  }

  test('are not erased under a new space that has only its rows yet', async () => {
    await removedLongAgo('kitchen');
    const other = spacesOfServer();
    const database = new PreparedDatabase({ url, schema: SCHEMA });
    closing.push(() => database.close());
    const folder = temporaryFolder();
    const { settings } = resolveConfig({
      ...{ env: {}, platform: 'linux', homeDirectory: folder, workingDirectory: folder },
    });
    const home = new DatabaseHome(database, { ...settings, dataDir: folder });
    const begin = async (): Promise<void> => {
      await other.expireSpaces(() => undefined);
      await home.create('kitchen');
    };
    expect(await expire(spacesOfServer({ before: begin }))).toEqual([]);
    const made = { id: 'kitchen', name: 'kitchen', kind: 'shared', created: 9, removed: null } as const;
    await people.addSpace(made, 'ada');
    await memoriesOf('kitchen').add([draft('the kettle is new')]);
    expect(await textsOf(memoriesOf('kitchen'))).toEqual(['the kettle is new']);
  });

  test('are kept when they are taken back at the last moment', async () => {
    await removedLongAgo('kitchen');
    const takeBack = async (): Promise<void> => {
      await spacesOfServer().restoreSpace('kitchen', 'ada');
    };
    expect(await expire(spacesOfServer({ before: takeBack }))).toEqual([]);
    expect(await textsOf(memoriesOf('kitchen'))).toEqual(['old memory of kitchen']);
  });
});
