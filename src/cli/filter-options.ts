import { parseFilter, type FilterClock } from '../memory/filter.ts';
import type { FilterInput } from '../memory/memory-api.ts';
import { list, value, type OptionValues } from './command.ts';
import { parseMetadata } from './parse-metadata.ts';

/** Options that choose memories, the same for every command. */
export const filterOptions = {
  tags: list('-t, --tag <tag>', 'with this tag; repeated: with any of them'),
  allTags: list('--all-tags <tag>', 'with this tag; repeated: with all of them'),
  source: value('--source <prefix>', 'whose source starts with this text'),
  project: value('--project <name>', 'of this project'),
  metadata: list('-m, --metadata <key=value>', 'with this metadata; repeated: with all of it'),
  after: value(
    '--after <time>',
    'created at or after: 2026-01-31 (a day of MEMORY_TIME_ZONE), 2026-01-31T12:00:00Z, or an age such as 12h, 7d, 2w',
  ),
  before: value('--before <time>', 'created at or before; a date includes the whole day'),
};

/** Undefined when no option limits anything. */
export function toFilterInput(options: OptionValues<typeof filterOptions>): FilterInput | undefined {
  const { tags, allTags, source, project, after, before } = options;
  const metadata = parseMetadata(options.metadata);
  const filter = {
    ...(tags.length === 0 ? {} : { tags }),
    ...(allTags.length === 0 ? {} : { allTags }),
    ...(source === undefined ? {} : { source }),
    ...(project === undefined ? {} : { project }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
  };
  return Object.keys(filter).length === 0 ? undefined : filter;
}

/** Ages such as `7d` as points in time, so that a dry run and the deletion after it mean the same. */
export function withFixedTimes(filter: FilterInput, clock: FilterClock): FilterInput {
  const { createdAfter, createdBefore } = parseFilter(filter, clock);
  return {
    ...filter,
    ...(createdAfter === undefined ? {} : { after: new Date(createdAfter).toISOString() }),
    ...(createdBefore === undefined ? {} : { before: new Date(createdBefore).toISOString() }),
  };
}
