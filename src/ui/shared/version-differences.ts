import type { MemoryWithVersions, Version } from './types.ts';

/** What a version says, and with what. */
export type Content = Pick<Version, 'text' | 'tags' | 'source' | 'metadata'>;

const FIELDS = ['text', 'tags', 'source', 'metadata'] as const;

type Field = (typeof FIELDS)[number];

/** Which fields are not the same in all versions. The server sorts tags and members: equal ones are written equally. */
export function differingFields([first, ...others]: readonly Content[]): readonly Field[] {
  return FIELDS.filter((field) => others.some((other) => !isEqual(other[field], first?.[field])));
}

/** What a version has that some of the others have not, or not so. */
export interface Marks {
  readonly tags: ReadonlySet<string>;
  readonly source: boolean;
  /** Names of members. */
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

/** An older version with what came after it. */
export interface Step {
  readonly version: Version;
  readonly newer: Content;
}

/** The history of a memory, newest first, without versions that say the same as the one after. */
export function stepsOf(memory: MemoryWithVersions): readonly Step[] {
  const steps: Step[] = [];
  let newer: Content = memory;
  for (const version of memory.versions ?? []) {
    // A deletion has the content of what it deleted.
    if (version.state !== undefined || differingFields([version, newer]).length === 0) continue;
    steps.push({ version, newer });
    newer = version;
  }
  return steps;
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
