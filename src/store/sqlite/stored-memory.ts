import type { Connection } from './connection.ts';
import { Query } from './query.ts';
import { toVersion, VERSION_COLUMNS, type StoredVersion, type VersionRow } from './stored-version.ts';

/** A memory as the writer sees it: its identity and all versions that nothing replaces. */
export interface StoredMemory {
  readonly num: number;
  readonly id: string;
  readonly siblings: readonly StoredVersion[];
}

const selectNum = new Query<[id: string], { num: number }>('SELECT num FROM memory WHERE id = ?');
const selectSiblings = new Query<[num: number], VersionRow>(
  `SELECT ${VERSION_COLUMNS} FROM version v WHERE v.num = ? AND v.sibling = 1 ORDER BY v.key`,
);

function findNum(connection: Connection, id: string): number | undefined {
  return selectNum.get(connection, id)?.num;
}

export function loadMemory(connection: Connection, id: string): StoredMemory | undefined {
  const num = findNum(connection, id);
  if (num === undefined) return undefined;
  return { num, id, siblings: selectSiblings.all(connection, num).map(toVersion) };
}
