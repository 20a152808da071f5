/** Shared by all calls, because it keeps no state between them and an import decodes every line. */
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Decodes UTF-8 and drops a byte order mark at the beginning; undefined for other bytes. */
export function decodeUtf8(bytes: ArrayBuffer | Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * The candidate that a user most likely meant: the one with the fewest edits (insert, delete, replace, swap of
 * neighbours; ignoring case). Undefined when all need more edits than a third of the name's length.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    // The difference in length is a lower bound of the distance, so candidates of other lengths cost no time.
    if (Math.abs(name.length - candidate.length) >= bestDistance) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Optimal string alignment distance. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = at(previous, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = Math.min(replace, at(previous, j) + 1, at(current, j - 1) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, at(beforePrevious, j - 2) + 1);
      }
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return at(previous, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}

interface Named {
  readonly name: string;
  readonly machine: string;
  readonly id: string;
}

/**
 * The first unique one of these for each snapshot: its name, `machine/name`, its id.
 * @returns unique names by id
 */
export function usableNames(snapshots: readonly Named[]): ReadonlyMap<string, string> {
  const uses = new Map<string, number>();
  const forms = ({ name, machine }: Named): string[] => [name, `${machine}/${name}`];
  for (const form of snapshots.flatMap(forms)) uses.set(form, (uses.get(form) ?? 0) + 1);
  return new Map(
    snapshots.map((snapshot) => [
      snapshot.id,
      forms(snapshot).find((form) => uses.get(form) === 1) ?? snapshot.id,
    ]),
  );
}

/** The host name in a `Host` header, in lower case, without port and brackets; undefined when it is not valid. */
export function hostName(header: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:/?#@\s[\]*]+))(?::\d{1,5})?$/i.exec(header);
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

const MINUTE = 60_000;
/** A larger unit is used from two of it, because one of it says too little. */
const LARGER_UNITS = [
  ['day', 24 * 60 * MINUTE],
  ['hour', 60 * MINUTE],
] as const;
/** Made at its first use, because the first object of `Intl` in a process takes 10 ms, which clients would wait for. */
let relative: Intl.RelativeTimeFormat | undefined;

/**
 * The time since an event in one unit: `just now`, `5 minutes ago`, `90 minutes ago`, `3 hours ago`, `9 days ago`. An
 * event that lies ahead by this clock: `in 3 hours`.
 */
export function relativeTime(time: number, now: number): string {
  const age = now - time;
  const distance = Math.abs(age);
  if (distance < MINUTE) return 'just now';
  const [unit, length] = LARGER_UNITS.find(([, milliseconds]) => distance >= 2 * milliseconds) ?? [
    'minute',
    MINUTE,
  ];
  relative ??= new Intl.RelativeTimeFormat('en');
  return relative.format(-Math.trunc(age / length), unit);
}
