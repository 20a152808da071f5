import type { Standing } from '../memory-store.ts';
import { type Connection, Query, type SqlValue } from './connection.ts';
import { TRUE_AT } from './filter.ts';

/** What a search knows of a memory that it finds. */
export interface CandidateRow {
  readonly num: number;
  readonly id: string;
  /** A turn of a conversation. */
  readonly isTurn: boolean;
  /** See `Standing`. */
  readonly time: number;
  readonly pinned: boolean;
  readonly project: string | null;
}

type Columns = [
  ...[num: number, id: string, isTurn: number, time: number, pinned: number, project: string | null],
  ...more: number[],
];
const OWN_COLUMNS = 6;

const COLUMNS = `m.num, m.id, m.kind = 'conversation', ${TRUE_AT}, m.pinned`;
/** JSON is read only where the member is. */
const PROJECT = `(SELECT CASE WHEN instr(v.metadata, '"project"') AND json_type(v.metadata, '$.project') = 'text'
    THEN nullif(v.metadata ->> '$.project', '') END FROM version v WHERE v.key = m.current)`;

const findProject = new Query<[], { num: number }>(
  `SELECT num FROM attribute WHERE live = 1 AND name = 'project' LIMIT 1`,
);
const findSuccessor = new Query<[], { num: number }>(
  `SELECT num FROM memory INDEXED BY memory_by_superseded WHERE supersedes > '' LIMIT 1`,
);
/** The newest last. */
const selectSuccessors = new Query<[ids: string, at: number], [id: string, successor: string]>(
  `SELECT s.supersedes, s.id FROM json_each(?) w CROSS JOIN memory s INDEXED BY memory_by_superseded ON s.supersedes = w.value
   WHERE s.state = 'live' AND s.id <> s.supersedes AND s.created_at <= ? ORDER BY s.created_at, s.num`,
);

/** A statement for candidates, in two forms: few stores need the one that reads projects. */
export interface CandidateQuery {
  readonly withoutProjects: RowsQuery;
  readonly withProjects: RowsQuery;
}

type RowsQuery = Query<SqlValue[], [rows: string]>;

/**
 * @param from all behind FROM, with the memory as `m`
 * @param options.columns further ones, of integers
 * @param options.order default: it is of no importance
 */
export function candidateQuery(
  from: string,
  { columns = [], order }: { readonly columns?: readonly string[]; readonly order?: string } = {},
): CandidateQuery {
  const ordered = order === undefined ? '' : ` ORDER BY ${order}`;
  // As one JSON text, because the engines make values of columns in several times the time.
  const query = (project: string): RowsQuery => {
    const all = [COLUMNS, project, ...columns].join(', ');
    return new Query(`SELECT json_group_array(json_array(${all})${ordered}) FROM ${from}`);
  };
  return { withoutProjects: query('NULL'), withProjects: query(PROJECT) };
}

const selectByNum = candidateQuery('json_each(?) w CROSS JOIN memory m ON m.num = w.value');
const selectById = candidateQuery('json_each(?) w CROSS JOIN memory m ON m.id = w.value');

/** A row with the further columns of its statement. */
export interface FoundRow {
  readonly row: CandidateRow;
  readonly more: readonly number[];
}

/** Reads the rows of the memories that one search finds, and keeps them. Lives as long as a transaction. */
export class CandidateRows {
  readonly #connection: Connection;
  readonly #known = new Map<string, CandidateRow>();
  #hasProjects: boolean | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** In any order, without those that are gone. */
  withNums(nums: readonly number[]): CandidateRow[] {
    return this.find(selectByNum, JSON.stringify(nums)).map(({ row }) => row);
  }

  find({ withProjects, withoutProjects }: CandidateQuery, ...parameters: SqlValue[]): FoundRow[] {
    this.#hasProjects ??= findProject.get(this.#connection) !== undefined;
    const query = this.#hasProjects ? withProjects : withoutProjects;
    const [answer] = query.arrays(this.#connection, ...parameters);
    // SQLite made the list, of these columns.
    const rows = JSON.parse(answer?.[0] ?? '[]') as Columns[];
    return rows.map((found) => {
      const [num, id, isTurn, time, pinned, project] = found;
      const row = { num, id, isTurn: isTurn === 1, time, pinned: pinned === 1, project };
      this.#known.set(id, row);
      return { row, more: found.slice(OWN_COLUMNS) as number[] };
    });
  }

  /** The facts beside the query on which the order of memories depends. @param at milliseconds since the epoch */
  standings(ids: readonly string[], at: number): Standing[] {
    const distinct = [...new Set(ids)];
    const unread = distinct.filter((id) => !this.#known.has(id));
    if (unread.length > 0) this.find(selectById, JSON.stringify(unread));
    const successors = this.#successors(distinct, at);
    return distinct.flatMap((id) => {
      const row = this.#known.get(id);
      if (row === undefined) return [];
      const { time, pinned, project } = row;
      return [{ id, time, pinned, project, supersededBy: successors.get(id) ?? null }];
    });
  }

  /** In most stores no memory replaces another. */
  #successors(ids: readonly string[], at: number): ReadonlyMap<string, string> {
    const isAnySuperseded = findSuccessor.get(this.#connection) !== undefined;
    return new Map(isAnySuperseded ? selectSuccessors.arrays(this.#connection, JSON.stringify(ids), at) : []);
  }
}
