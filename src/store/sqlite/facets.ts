import { createHash } from 'node:crypto';
import { canonicalJson, type JsonValue, type MemoryContent } from '../../memory/version.ts';
import type { Connection } from './connection.ts';
import { Query } from './query.ts';

const MAX_INDEXED_LENGTH = 200;

const insertTag = new Query<[live: number, tag: string, num: number]>(
  'INSERT INTO tag (live, tag, num) VALUES (?, ?, ?)',
);
const deleteTag = new Query<[live: number, tag: string, num: number]>(
  'DELETE FROM tag WHERE live = ? AND tag = ? AND num = ?',
);
const insertAttribute = new Query<[live: number, name: string, value: string, num: number]>(
  'INSERT INTO attribute (live, name, value, num) VALUES (?, ?, ?, ?)',
);
const deleteAttribute = new Query<[live: number, name: string, value: string, num: number]>(
  'DELETE FROM attribute WHERE live = ? AND name = ? AND value = ? AND num = ?',
);

/** What of a memory is looked up by tags and metadata; `live` parts the searchable from the trash. */
export interface Facets {
  readonly live: boolean;
  readonly content: Pick<MemoryContent, 'tags' | 'metadata'>;
}

export function addFacets(connection: Connection, num: number, facets: Facets): void {
  const live = facets.live ? 1 : 0;
  for (const tag of facets.content.tags) insertTag.run(connection, live, tag, num);
  for (const [name, value] of attributes(facets)) insertAttribute.run(connection, live, name, value, num);
}

export function removeFacets(connection: Connection, num: number, facets: Facets): void {
  const live = facets.live ? 1 : 0;
  for (const tag of facets.content.tags) deleteTag.run(connection, live, tag, num);
  for (const [name, value] of attributes(facets)) deleteAttribute.run(connection, live, name, value, num);
}

function attributes({ content }: Facets): [name: string, value: string][] {
  return Object.entries(content.metadata).map(([name, value]) => [name, attributeValue(value)]);
}

/** The text by which a metadata value is compared: equal values give equal texts. Long values are hashed. */
export function attributeValue(value: JsonValue): string {
  const json = canonicalJson(value);
  if (json.length <= MAX_INDEXED_LENGTH) return json;
  return `sha256:${createHash('sha256').update(json).digest('hex')}`;
}
