import { InvalidInputError } from '../../errors/input-errors.ts';
import { namedUuid } from '../../util/uuid.ts';
import { type Converted, type Entry, memoryOf, readDocument } from '../entries.ts';
import type { JsonObject } from '../head.ts';
import { type ImportFormat, onlyText } from './import-format.ts';

const NAME = 'mem0';

/**
 * The result of mem0's `get_all` and `search`, in JSON: `{"results": […]}`, or a list in older versions. With its graph,
 * `relations` stand beside it. Memories keep the UUIDs that they have there.
 */
export const mem0: ImportFormat = {
  name: NAME,
  title: "mem0's memories as JSON (get_all)",
  recognizes: ({ first }) =>
    isMem0Memory(first('results')) || isMem0Memory(first('memories')) || isMem0Memory(first('')),
  joinsSameText: true,
  read: (source, options) =>
    readDocument({ bytes: onlyText(source, NAME).bytes, convert: convertMem0 }, options),
};

function isMem0Memory(value: JsonObject | undefined): boolean {
  return typeof value?.['memory'] === 'string';
}

function convertMem0({ list, number, value }: Entry): Converted[] {
  // The members beside the lists number the pages.
  if (number === 0) return [];
  if (list === 'relations') return [convertRelation(value)];
  const { id, categories, tags, score, input, ...others } = value;
  const own = typeof id === 'string' || typeof id === 'number' ? { id: namedUuid([NAME, String(id)]) } : {};
  const fields = { ...others, id, tags: tags ?? categories };
  const memory = memoryOf(fields, { ...own, source: NAME });
  if (!('draft' in memory)) return [memory];
  // A score belongs to a search, and the input is the conversation that the memory was made of.
  const left = Object.entries({ score, input }).filter(([, field]) => field !== undefined && field !== null);
  return [{ ...memory, ignored: [...(memory.ignored ?? []), ...left.map(([name]) => name)] }];
}

function convertRelation(value: JsonObject): Converted {
  const from = value['source'];
  const to = value['target'] ?? value['destination'];
  const relationship = value['relationship'];
  if (typeof from !== 'string' || typeof to !== 'string' || typeof relationship !== 'string') {
    throw new InvalidInputError(
      'relation',
      'is incomplete',
      'allowed is one with source, relationship and target',
    );
  }
  return {
    draft: {
      id: namedUuid([NAME, from, relationship, to]),
      text: `${from} ${relationship.replaceAll('_', ' ')} ${to}`,
      tags: [],
      source: NAME,
      metadata: { source: from, relationship, target: to },
    },
  };
}
