import type { MemoryWithVersions, Version } from './types.ts';

/** The content of a version. */
export type Content = Pick<Version, 'text' | 'tags' | 'source' | 'metadata'>;

const FIELDS = ['text', 'tags', 'source', 'metadata'] as const;

type Field = (typeof FIELDS)[number];

/** The fields that differ between versions. The server sorts tags and members, so comparing their JSON is enough. */
export function differingFields([first, ...others]: readonly Content[]): readonly Field[] {
  return FIELDS.filter((field) => others.some((other) => !isEqual(other[field], first?.[field])));
}

/** The parts of a version that at least one of the others lacks or has with another value. */
export interface Marks {
  readonly tags: ReadonlySet<string>;
  readonly source: boolean;
  /** Names of members of the metadata. */
  readonly metadata: ReadonlySet<string>;
}

export function marksOf({ tags = [], source, metadata = {} }: Content, others: readonly Content[]): Marks {
  const isOwn = (tag: string): boolean => others.some((other) => other.tags?.includes(tag) !== true);
  const members = Object.entries(metadata).filter(([name, value]) =>
    others.some((other) => !isEqual(value, other.metadata?.[name])),
  );
  return {
    tags: new Set(tags.filter(isOwn)),
    source: others.some((other) => other.source !== source),
    metadata: new Set(members.map(([name]) => name)),
  };
}

/** An older version and the next newer content. */
export interface Step {
  readonly version: Version;
  readonly newer: Content;
}

/** The history of a memory, newest first, without versions that are equal to the next newer one. */
export function stepsOf(memory: MemoryWithVersions): readonly Step[] {
  const steps: Step[] = [];
  let newer: Content = memory;
  for (const version of memory.versions ?? []) {
    // A deletion has the same content as the deleted version.
    if (version.state !== undefined || differingFields([version, newer]).length === 0) continue;
    steps.push({ version, newer });
    newer = version;
  }
  return steps;
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
