import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { WorkOptions } from '../backup/backup-api.ts';
import type { Settings } from '../config/schema.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { UsageError } from '../errors/input-errors.ts';
import type { PeopleFacts, PeopleStore, Space } from '../people/people-store.ts';
import { PostgresPeopleStore } from '../people/postgres-people-store.ts';
import { DEFAULT_SPACE } from '../people/space-service.ts';
import { SqlitePeopleStore, TEAM_DATABASE } from '../people/sqlite-people-store.ts';
import { PreparedDatabase } from '../store/postgres/prepared-database.ts';
import { SharedThreads } from '../store/worker/client.ts';
import type { StoreWorkerSettings } from '../store/worker/protocol.ts';
import {
  type MoveRequest,
  type MovedStore,
  moveStore,
  openPlace,
  type Place,
  placeSettings,
  withoutCredentials,
} from './move.ts';
import { TRASH_FOLDER } from './space-homes.ts';
import { spaceFolder } from './start-app.ts';

export interface TeamMoveReport {
  readonly outcome: 'moved' | 'equal' | 'planned';
  readonly from: string;
  readonly to: string;
  readonly people: number;
  readonly tokens: number;
  readonly auditLines: number;
  /** Those in the trash too, each with its counts and digests, which are those of both places after a move. */
  readonly spaces: readonly (MovedStore & { readonly id: string })[];
}

const AUDIT_PAGE = 5_000;
const NOBODY: PeopleFacts = { people: [], spaces: [], members: [], tokens: [], invitations: [] };

/**
 * Copies a team: all spaces, those in the trash too, then people with their roles and tokens, and the audit log. People
 * come last and as one transaction, so a server of the target knows of no person before all is there, and a move that was
 * interrupted can be repeated. The servers must be stopped. The source stays as it is.
 * @throws FaissMemoryError `STATE_CHANGED` when the target has another team, or differs afterwards
 */
export async function moveTeam(
  settings: Settings,
  { from, to, dryRun }: MoveRequest,
  work: WorkOptions = {},
): Promise<TeamMoveReport> {
  const threads = new SharedThreads();
  const [source, target] = [from, to].map((place) => teamPlace(placeSettings(settings, place), threads));
  // Two were named.
  if (source === undefined || target === undefined) throw new TypeError('Two places are needed');
  try {
    const [facts, there] = [await source.look(), await target.look()];
    if (facts.people.length === 0)
      throw new UsageError(`There is no team in ${source.name}`, 'Name another place with --from.');
    const equal = isDeepStrictEqual(facts, there);
    if (!equal && there.people.length > 0) throw otherTeam(target.name, there);
    const spaces: (MovedStore & { readonly id: string })[] = [];
    for (const space of facts.spaces) {
      const moved = await moveSpace({ source, target, space, dryRun }, work);
      if (moved !== null) spaces.push({ id: space.id, ...moved });
    }
    const auditLines = await countLines(source, dryRun || equal ? undefined : target);
    if (!equal && !dryRun) await loadPeople({ facts, source, target });
    const outcome = equal ? 'equal' : dryRun ? 'planned' : 'moved';
    return {
      ...{ outcome, from: source.name, to: target.name, auditLines, spaces },
      ...{ people: facts.people.length, tokens: facts.tokens.length },
    };
  } finally {
    await Promise.all([source.close(), target.close()]);
    await threads.close();
  }
}

interface SpaceMove {
  readonly source: TeamPlace;
  readonly target: TeamPlace;
  readonly space: Space;
  readonly dryRun: boolean;
}

/** @returns null when the space was never used */
async function moveSpace(
  { source, target, space, dryRun }: SpaceMove,
  work: WorkOptions,
): Promise<MovedStore | null> {
  const from = source.space(space);
  if (from.missing) return null;
  const report = await moveStore({ source: from, target: target.space(space), dryRun }, work);
  return report.source;
}

/** @param to where the lines go; absent = they are only counted */
async function countLines(from: TeamPlace, to: TeamPlace | undefined): Promise<number> {
  const people = await from.people();
  // Of a move that was interrupted.
  await (await to?.people())?.dropAudit(Number.MAX_SAFE_INTEGER);
  let [count, after] = [0, 0];
  for (;;) {
    const { lines, last } = await people.auditFrom(after, AUDIT_PAGE);
    if (lines.length === 0) return count;
    await (await to?.people())?.loadAudit(lines);
    count += lines.length;
    after = last;
  }
}

async function loadPeople({
  facts,
  source,
  target,
}: {
  readonly facts: PeopleFacts;
  readonly source: TeamPlace;
  readonly target: TeamPlace;
}): Promise<void> {
  const people = await target.people();
  const loaded = await people.load(facts);
  const [now, after] = [await source.look(), await people.facts()];
  if (loaded && isDeepStrictEqual(now, after)) return;
  throw new FaissMemoryError(
    'STATE_CHANGED',
    `The people of ${target.name} differ from those of ${source.name} after the move`,
    { fix: 'Stop the servers of both places, and move into an empty place again.' },
  );
}

interface TeamPlace {
  readonly name: string;
  /** The people that are there, without making anything. */
  readonly look: () => Promise<PeopleFacts>;
  readonly people: () => Promise<PeopleStore>;
  readonly space: (space: Space) => Place;
  readonly close: () => Promise<void>;
}

function teamPlace({ dataDir, database: place }: StoreWorkerSettings, threads: SharedThreads): TeamPlace {
  if (place === undefined) return folderTeam(dataDir, threads);
  const database = new PreparedDatabase(place, { asIs: true });
  const store = new PostgresPeopleStore(new PreparedDatabase(place));
  return {
    name: `the schema ${place.schema} of ${withoutCredentials(place.url)}`,
    look: async () => ((await database.hasTable('team_person')) ? store.facts() : NOBODY),
    people: () => Promise.resolve(store),
    space: ({ id }) => openPlace({ dataDir, database: { ...place, space: id } }, threads),
    close: async () => {
      await Promise.all([database.close(), store.close()]);
    },
  };
}

function folderTeam(dataDir: string, threads: SharedThreads): TeamPlace {
  const file = join(dataDir, TEAM_DATABASE);
  const store = new SqlitePeopleStore(file);
  return {
    name: dataDir,
    look: () => (existsSync(file) ? store.facts() : Promise.resolve(NOBODY)),
    people: () => Promise.resolve(store),
    space: ({ id, removed }) => {
      if (id === DEFAULT_SPACE) return openPlace({ dataDir }, threads);
      const folder = removed === null ? spaceFolder(dataDir, id) : join(dataDir, TRASH_FOLDER, id);
      return openPlace({ dataDir: folder }, threads);
    },
    close: () => store.close(),
  };
}

function otherTeam(name: string, { people }: PeopleFacts): FaissMemoryError {
  return new FaissMemoryError(
    'STATE_CHANGED',
    `${name} has ${people.length} people already, and they are others`,
    {
      fix: 'Move into an empty place: another folder, or another schema (MEMORY_DATABASE_SCHEMA).',
    },
  );
}
