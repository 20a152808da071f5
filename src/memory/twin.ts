import { MAX_METADATA_LENGTH, MAX_TAGS } from './input.ts';
import type { MemoryPatch } from './memory.ts';
import { canonicalJson, type MemoryContent, type Metadata } from './version.ts';

/** The fields in which two memories that say the same can differ. */
type Surroundings = Pick<MemoryContent, 'tags' | 'source' | 'metadata'>;

/** Whether and how one memory can take in another that says the same. */
export type TwinPlan =
  /** `gained` names the fields that the patch adds, for example `tags`, `source`, `metadata.owner`. */
  | { readonly joins: true; readonly patch: MemoryPatch; readonly gained: readonly string[] }
  /** Joining would lose a value, so both stay. `differs` names the fields in the same way. */
  | { readonly joins: false; readonly differs: readonly string[] };

/**
 * Plans how a memory takes in the tags, source and metadata of another that says the same. It gets all tags, and the
 * source and members that it lacks. Another source or another value of a member keeps the two apart. So does a project
 * or an end that only one of them has: a memory without one holds in all projects and for ever, and to gain one would
 * hide it.
 */
export function planTwin(memory: Surroundings, other: Surroundings): TwinPlan {
  const differs = [
    ...SCOPES.filter((name) => scopeIn(memory.metadata, name) !== scopeIn(other.metadata, name)).map(nameOf),
    ...(memory.source !== '' && other.source !== '' && memory.source !== other.source ? ['source'] : []),
    ...Object.keys(other.metadata)
      .filter((name) => !SCOPES.includes(name) && conflicts(memory.metadata, other.metadata, name))
      .map(nameOf),
  ];
  if (differs.length > 0) return { joins: false, differs };
  const addTags = other.tags.filter((tag) => !memory.tags.includes(tag));
  const metadata = { ...other.metadata, ...memory.metadata };
  const tooMany = [
    ...(memory.tags.length + addTags.length > MAX_TAGS && addTags.length > 0 ? ['tags'] : []),
    ...(JSON.stringify(metadata).length > MAX_METADATA_LENGTH ? ['metadata'] : []),
  ];
  if (tooMany.length > 0) return { joins: false, differs: tooMany };
  const source = memory.source === '' ? other.source : '';
  const members = Object.keys(other.metadata).filter((name) => !Object.hasOwn(memory.metadata, name));
  return {
    joins: true,
    patch: {
      ...(addTags.length === 0 ? {} : { addTags }),
      ...(source === '' ? {} : { source }),
      ...(members.length === 0 ? {} : { metadata }),
    },
    gained: [
      ...(addTags.length === 0 ? [] : ['tags']),
      ...(source === '' ? [] : ['source']),
      ...members.map(nameOf),
    ],
  };
}

/**
 * The first memory that can take in the other one; a memory that would gain nothing is preferred. A memory with an
 * open conflict takes nothing in, because a write would settle the conflict.
 */
export function findTwin<Candidate extends Surroundings & { readonly conflict: boolean }>(
  candidates: readonly Candidate[],
  other: Surroundings,
): { readonly memory: Candidate; readonly plan: Extract<TwinPlan, { joins: true }> } | undefined {
  const joining = candidates.flatMap((memory) => {
    const plan = planTwin(memory, other);
    return plan.joins && !(memory.conflict && plan.gained.length > 0) ? { memory, plan } : [];
  });
  return joining.find(({ plan }) => plan.gained.length === 0) ?? joining[0];
}

/** Members that limit where or how long a statement holds. */
const SCOPES: readonly string[] = ['project', 'expires'];

/** As a comparable text; empty = without a limit. */
function scopeIn(metadata: Metadata, name: string): string {
  const value = Object.hasOwn(metadata, name) ? metadata[name] : undefined;
  return value === undefined || value === '' || value === null ? '' : canonicalJson(value);
}

function conflicts(metadata: Metadata, other: Metadata, name: string): boolean {
  if (!Object.hasOwn(metadata, name)) return false;
  return canonicalJson(metadata[name]) !== canonicalJson(other[name]);
}

/** Every edge shows the metadata member `project` as a field of its own. */
function nameOf(member: string): string {
  return member === 'project' ? member : `metadata.${member}`;
}

/** The fields that keep two memories apart; `conflict` when only an open conflict does. */
export function differencesOf(memory: Surroundings, other: Surroundings): readonly string[] {
  const plan = planTwin(memory, other);
  return plan.joins ? ['conflict'] : plan.differs;
}
