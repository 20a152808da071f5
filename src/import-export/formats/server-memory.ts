import { InvalidInputError } from '../../errors/input-errors.ts';
import { MAX_TAG_LENGTH } from '../../memory/input.ts';
import type { MemoryDraft } from '../../memory/memory.ts';
import { namedUuid } from '../../util/uuid.ts';
import { type Converted, type Entry, readDocument, readLines } from '../entries.ts';
import { type JsonObject } from '../head.ts';
import { parseImportedTime } from '../parse-memory-line.ts';
import { type ImportFormat, onlyText, startOf } from './import-format.ts';
import { isObject } from '../../util/json.ts';

const NAME = 'server-memory';

/**
 * The knowledge graph of the MCP reference server `server-memory`: its file `memory.jsonl`, with an entity or a relation
 * in each line, and the answer of its tool that reads the graph, one object with both lists.
 */
export const serverMemory: ImportFormat = {
  name: NAME,
  title: 'memory.jsonl of the MCP reference server-memory',
  recognizes: ({ line, members, first }) =>
    isEntity(line) ||
    isRelation(line) ||
    (members.has('entities') &&
      members.has('relations') &&
      (first('entities') ?? first('relations')) !== undefined),
  joinsSameText: true,
  async *read(source, options) {
    const { bytes, isLines } = await startOf(
      onlyText(source, NAME),
      ({ line }) => isEntity(line) || isRelation(line),
    );
    yield* isLines
      ? readLines({ bytes, convert: convertGraph }, options)
      : readDocument({ bytes, convert: convertGraph }, options);
  },
};

function isEntity(value: JsonObject | undefined): boolean {
  return value?.['type'] === 'entity' && typeof value['name'] === 'string';
}

function isRelation(value: JsonObject | undefined): boolean {
  return value?.['type'] === 'relation' && typeof value['from'] === 'string';
}

function convertGraph({ list, value }: Entry): Converted[] {
  const type = value['type'];
  if (list === 'relations' || (list === '' && type === 'relation')) return [relation(value)];
  if (list === 'entities' || (list === '' && type === 'entity')) return entity(value);
  throw new InvalidInputError('type', 'is neither entity nor relation', 'allowed are these two');
}

/** A memory for each observation, which names its entity, so that it can be read alone. */
function entity(value: JsonObject): Converted[] {
  const name = nameIn(value, 'name');
  const type = typeof value['entityType'] === 'string' ? value['entityType'].trim() : '';
  const observations = value['observations'] ?? [];
  if (!Array.isArray(observations)) {
    throw new InvalidInputError('observations', 'is no list', 'allowed is a list of texts');
  }
  if (observations.length === 0) return [{ omitted: 'an entity without observations' }];
  const subject = type === '' ? name : `${name} (${type})`;
  return observations.map((observation: unknown): Converted => {
    const { text, time } = readObservation(observation);
    if (text.trim() === '') return { omitted: 'an empty observation' };
    return {
      draft: draftOf([name, text], {
        text: `${subject}: ${text}`,
        tags: [name, type],
        metadata: { name, ...(type === '' ? {} : { entityType: type }) },
        ...(time === undefined ? {} : { createdAt: time }),
      }),
    };
  });
}

/** A text; some descendants of the server write an object with the text and a time. */
function readObservation(observation: unknown): { readonly text: string; readonly time?: number } {
  if (typeof observation === 'string') return { text: observation };
  if (isObject(observation)) {
    const { content, contents, text, timestamp, created_at: created } = observation;
    const found = [content, contents, text].find((value) => typeof value === 'string');
    const time = timestamp ?? created;
    if (typeof found === 'string') {
      return { text: found, ...(time ? { time: parseImportedTime('timestamp', time) } : {}) };
    }
  }
  throw new InvalidInputError('observations', 'has an entry that is no text', 'allowed is a list of texts');
}

function relation(value: JsonObject): Converted {
  const from = nameIn(value, 'from');
  const to = nameIn(value, 'to');
  const relationType = nameIn(value, 'relationType');
  return {
    draft: draftOf([from, relationType, to], {
      text: `${from} ${asWords(relationType)} ${to}`,
      tags: [from, to],
      metadata: { from, to, relationType },
    }),
  };
}

/** Words that underscores, hyphens or capitals join, as words in lower case. */
function asWords(relationType: string): string {
  return relationType
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .replace(/[_\-\s]+/g, ' ')
    .trim()
    .toLowerCase();
}

function nameIn(value: JsonObject, field: string): string {
  const name = value[field];
  if (typeof name === 'string' && name.trim() !== '') return name.trim();
  throw new InvalidInputError(field, 'is missing', 'allowed is a text');
}

/** The server has no ids: a fact is identified by its subject and its statement. */
function draftOf(identity: readonly string[], content: Omit<MemoryDraft, 'id' | 'source'>): MemoryDraft {
  const tags = content.tags.filter((tag) => tag !== '' && tag.length <= MAX_TAG_LENGTH);
  return { ...content, tags: [...new Set(tags)].sort(), source: NAME, id: namedUuid([NAME, ...identity]) };
}
