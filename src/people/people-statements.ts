/** The statements of people and spaces in PostgreSQL. Ids of a call come first, in the order of the method that makes it. */
export interface PeopleStatements {
  /** All that a request asks of a person: `card` is a `CardJson`. */
  readonly card: string;
  /** A token, with the card of its person. */
  readonly token: string;
  readonly space: string;
  readonly people: string;
  readonly lockIds: string;
  readonly findIds: string;
  readonly addPerson: string;
  readonly addSpace: string;
  readonly removePerson: string;
  readonly personalSpaces: string;
  readonly spaces: string;
  readonly setRemoved: string;
  readonly dropSpace: string;
  readonly memberships: string;
  readonly lockSpace: string;
  /** A row when the space would have no owner without the person, who is one. */
  readonly lacksOwner: string;
  readonly setRole: string;
  readonly deleteRole: string;
  readonly addToken: string;
  readonly tokens: string;
  readonly removeToken: string;
  readonly noteUse: string;
  readonly addInvitation: string;
  readonly takeInvitation: string;
  readonly appendAudit: string;
  readonly audit: string;
  /** See `PeopleFacts`: one row with a column for each list. */
  readonly facts: string;
  readonly lockAll: string;
  readonly clear: string;
  readonly load: string;
  readonly auditFrom: string;
  readonly loadAudit: string;
  readonly dropAudit: string;
  readonly renameAbout: string;
  readonly renameTokens: string;
  readonly renameSpaces: string;
  readonly renamePerson: string;
}

/** Any number that no other program uses for its locks. */
const ID_LOCK = 0x46_4d_69_64;
/** In lines that were written after their person was removed or erased. */
const REMOVED = 'removed';
/** In lines that are by no person. */
const PROGRAMS = `('server', 'console')`;
const PERSON_ROW = 'id text, name text, space text, created bigint';
const SPACE_ROW = 'id text, name text, kind text, created bigint, removed bigint';
const LINE_ROW =
  'place integer, at bigint, person text, space text, action text, count bigint, refused text, about text';
const TOKEN = 't.id, t.person, t.name, t.scope, t.created, t.expires, t.last_used';

/** @param schema a checked name */
export function peopleStatements(schema: string): PeopleStatements {
  const statements: Record<string, string> = { ...STATEMENTS };
  for (const [name, sql] of Object.entries(statements))
    statements[name] = sql.replaceAll('@.', `${schema}.team_`);
  // It has the names of the constant.
  return statements as unknown as PeopleStatements;
}

function card(person: string): string {
  return `json_build_object('person', (SELECT row_to_json(p) FROM @.person p WHERE p.id = ${person}),
    'roles', (SELECT coalesce(json_agg(json_build_object('role', m.role, 'space', row_to_json(s))), '[]')
      FROM @.member m JOIN @.space s ON s.id = m.space WHERE m.person = ${person})) AS card`;
}

const STATEMENTS: PeopleStatements = {
  card: `SELECT ${card('$1')}`,
  token: `SELECT ${TOKEN}, t.hash, ${card('t.person')} FROM @.token t WHERE t.id = $1`,
  space: 'SELECT * FROM @.space WHERE id = $1',
  people: 'SELECT * FROM @.person ORDER BY id',
  lockIds: `SELECT pg_advisory_xact_lock(${ID_LOCK})`,
  findIds: 'SELECT 1 FROM @.person WHERE id = $1 UNION ALL SELECT 1 FROM @.space WHERE id = $2',
  addPerson: 'INSERT INTO @.person (id, name, space, created) VALUES ($1, $2, $3, $4)',
  addSpace: `WITH made AS (
      INSERT INTO @.space (id, name, kind, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING id
    ) INSERT INTO @.member (space, person, role) SELECT id, $5, 'owner' FROM made RETURNING space`,
  removePerson: `WITH tokens AS (DELETE FROM @.token WHERE person = $1),
      invitations AS (DELETE FROM @.invitation WHERE person = $1),
      roles AS (DELETE FROM @.member m USING @.space s WHERE s.id = m.space AND m.person = $1 AND s.kind = 'shared')
    DELETE FROM @.person WHERE id = $1`,
  personalSpaces: `SELECT s.* FROM @.space s JOIN @.member m ON m.space = s.id AND m.person = $1 WHERE s.kind = 'personal'`,
  spaces: 'SELECT * FROM @.space ORDER BY id',
  setRemoved:
    'UPDATE @.space SET removed = $2 WHERE id = $1 AND removed IS NOT DISTINCT FROM $3 RETURNING id',
  dropSpace: `WITH gone AS (DELETE FROM @.space WHERE id = $1 AND removed = $2 RETURNING id)
    DELETE FROM @.member WHERE space IN (SELECT id FROM gone)`,
  memberships: `SELECT m.* FROM @.member m JOIN @.space s ON s.id = m.space
    WHERE s.removed IS NULL AND m.space = coalesce($1::text, m.space) AND m.person = coalesce($2::text, m.person)
    ORDER BY m.space, m.person`,
  lockSpace: 'SELECT 1 FROM @.space WHERE id = $1 FOR UPDATE',
  lacksOwner: `SELECT 1 FROM @.member WHERE space = $1 AND person = $2 AND role = 'owner' AND NOT EXISTS (
      SELECT 1 FROM @.member WHERE space = $1 AND person <> $2 AND role = 'owner')`,
  setRole: `INSERT INTO @.member (space, person, role) VALUES ($1, $2, $3)
    ON CONFLICT (space, person) DO UPDATE SET role = excluded.role`,
  deleteRole: 'DELETE FROM @.member WHERE space = $1 AND person = $2',
  addToken:
    'INSERT INTO @.token (id, person, name, hash, scope, created, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)',
  tokens: `SELECT ${TOKEN} FROM @.token t WHERE t.person = $1 ORDER BY t.created, t.id`,
  removeToken: 'DELETE FROM @.token WHERE person = $1 AND id = $2 RETURNING id',
  noteUse: 'UPDATE @.token SET last_used = $2 WHERE id = $1',
  addInvitation: 'INSERT INTO @.invitation (hash, person, expires) VALUES ($1, $2, $3)',
  takeInvitation: `DELETE FROM @.invitation WHERE hash = $1 OR expires <= $2
    RETURNING person, hash = $1 AS asked, expires > $2 AS valid`,
  appendAudit: `INSERT INTO @.audit (at, person, space, action, count, refused, about)
    SELECT l.at, CASE WHEN ${isThere('l.person')} THEN l.person ELSE '${REMOVED}' END,
      CASE WHEN EXISTS (SELECT 1 FROM @.space s WHERE s.id = l.space) THEN l.space ELSE '' END, l.action, l.count, l.refused,
      CASE WHEN l.action LIKE 'member.%' AND NOT ${isThere('l.about')} THEN '${REMOVED}' ELSE l.about END
    FROM json_to_recordset($1::json) AS l(${LINE_ROW})
    ORDER BY l.place`,
  audit: `SELECT * FROM @.audit
    WHERE number < $1 AND space = coalesce($2::text, space) AND person = coalesce($3::text, person)
    ORDER BY number DESC LIMIT $4`,
  facts: `SELECT ${list('person', 't.*', 'id')}, ${list('space', 't.*', 'id')}, ${list('member', 't.*', 'space, person')},
      ${list('token', `${TOKEN}, encode(t.hash, 'hex') AS hash`, 'id')},
      ${list('invitation', `encode(t.hash, 'hex') AS hash, t.person, t.expires`, 'hash')}`,
  lockAll: 'LOCK TABLE @.person, @.space, @.member IN SHARE ROW EXCLUSIVE MODE',
  clear: `WITH members AS (DELETE FROM @.member) DELETE FROM @.space`,
  load: `WITH
    people AS (INSERT INTO @.person SELECT * FROM json_to_recordset($1::json) AS x(${PERSON_ROW})),
    spaces AS (INSERT INTO @.space SELECT * FROM json_to_recordset($2::json) AS x(${SPACE_ROW})),
    members AS (INSERT INTO @.member SELECT * FROM json_to_recordset($3::json) AS x(space text, person text, role text)),
    tokens AS (
      INSERT INTO @.token SELECT id, person, name, decode(hash, 'hex'), scope, created, expires, "lastUsed"
      FROM json_to_recordset($4::json) AS x(id text, person text, name text, hash text, scope text, created bigint,
        expires bigint, "lastUsed" text))
    INSERT INTO @.invitation SELECT decode(hash, 'hex'), person, expires
    FROM json_to_recordset($5::json) AS x(hash text, person text, expires bigint)`,
  auditFrom: 'SELECT * FROM @.audit WHERE number > $1 ORDER BY number LIMIT $2',
  loadAudit: `INSERT INTO @.audit (at, person, space, action, count, refused, about)
    SELECT at, person, space, action, count, refused, about FROM json_to_recordset($1::json) AS l(${LINE_ROW})
    ORDER BY place`,
  dropAudit: `WITH gone AS (DELETE FROM @.audit WHERE at < $1 RETURNING 1) SELECT count(*) FROM gone`,
  renameAbout: 'UPDATE @.audit SET about = $1 WHERE about = ANY($2::text[])',
  renameTokens: `UPDATE @.audit SET about = $1 WHERE person = $2 AND action LIKE 'token.%'`,
  renameSpaces: 'UPDATE @.audit SET space = $1 WHERE space = ANY($2::text[])',
  renamePerson: `WITH renamed AS (UPDATE @.audit SET person = $1 WHERE person = $2 RETURNING 1)
    SELECT count(*) FROM renamed`,
};

function list(table: string, columns: string, order: string): string {
  return `(SELECT coalesce(json_agg(r), '[]') FROM (SELECT ${columns} FROM @.${table} t
    ORDER BY ${order}) r) AS ${table}`;
}

function isThere(id: string): string {
  return `(${id} IN ${PROGRAMS} OR EXISTS (SELECT 1 FROM @.person p WHERE p.id = ${id}))`;
}

/** PostgreSQL refuses the character U+0000 in texts. No id has it, so nothing is found with the character in its place. */
export function storable(parameter: unknown): unknown {
  return typeof parameter === 'string' ? parameter.replaceAll('\0', '\uFFFD') : parameter;
}
