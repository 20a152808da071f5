import type { MapPoint } from '../types.ts';

export interface TagCount {
  readonly tag: string;
  /** Of the points that have it. */
  readonly count: number;
}

/** The tags that most points have, most frequent first. */
export function frequentTags(points: readonly MapPoint[], most: number): TagCount[] {
  const counts = new Map<string, number>();
  for (const { tags = [] } of points) {
    for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  }
  return [...counts]
    .map(([tag, count]) => ({ tag, count }))
    .toSorted((a, b) => b.count - a.count || (a.tag < b.tag ? -1 : 1))
    .slice(0, most);
}
