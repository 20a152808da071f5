import { NO_FILTER, parametersOf } from '../filter.ts';
import { Time } from './time.tsx';

interface FactsProps {
  readonly tags?: readonly string[] | undefined;
  readonly source?: string | undefined;
  readonly at: string;
  readonly changed?: string | undefined;
}

/** What surrounds the text of a memory. */
export function Facts({ tags = [], source, at, changed }: FactsProps) {
  return (
    <p class="facts">
      <Time at={at} />
      {changed === undefined ? null : (
        <span>
          changed <Time at={changed} />
        </span>
      )}
      {source === undefined ? null : (
        <span class="source">
          from <bdi>{source}</bdi>
        </span>
      )}
      {tags.map((tag) => (
        <a class="tag" key={tag} href={`#/memories?${parametersOf('', { ...NO_FILTER, tags: tag })}`}>
          <bdi>{tag}</bdi>
        </a>
      ))}
    </p>
  );
}
