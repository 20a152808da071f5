import { dayOf, startOfDay } from './days.ts';

/** The statements of a memory about itself in well-known members of its metadata, as the form shows it. Days are the browser's. */
export interface Stated {
  /** Empty = it holds in all projects. */
  readonly project: string;
  /** The day on which it was true or happened; empty = unknown. */
  readonly occurred: string;
  /** The last day on which it holds; empty = for ever. */
  readonly expires: string;
  readonly pinned: boolean;
}

type Members = Readonly<Record<string, unknown>>;

export function statedIn(metadata: Members = {}): Stated {
  const text = (name: string): string => {
    const value = metadata[name];
    return typeof value === 'string' ? value : '';
  };
  return {
    project: text('project'),
    occurred: dayOf(text('occurred_at'), 0),
    // A fact that ends at midnight holds on the day before.
    expires: dayOf(text('expires'), -1),
    pinned: metadata['pinned'] === true,
  };
}

/** The same for a line of facts. */
export function aboutIn(metadata: Members = {}): {
  readonly project: string;
  readonly occurred: string;
  readonly pinned: boolean;
} {
  const { project, pinned } = statedIn(metadata);
  const occurred = metadata['occurred_at'];
  const isTime = typeof occurred === 'string' && !Number.isNaN(Date.parse(occurred));
  return { project, pinned, occurred: isTime ? occurred : '' };
}

/** The members of a PATCH or of a new memory. Unchanged ones are left out. */
export function statedChanges(before: Stated, after: Stated): Members {
  const gone = {
    ...(before.occurred !== '' && after.occurred === '' ? { occurred_at: null } : {}),
    ...(before.expires !== '' && after.expires === '' ? { expires: null } : {}),
  };
  return {
    ...(after.project === before.project ? {} : { project: after.project === '' ? '*' : after.project }),
    ...(after.occurred === '' || after.occurred === before.occurred
      ? {}
      : { occurred_at: startOfDay(after.occurred) }),
    ...(after.expires === '' || after.expires === before.expires
      ? {}
      : { expires: startOfDay(after.expires, { daysLater: 1 }) }),
    ...(after.pinned === before.pinned ? {} : { pinned: after.pinned }),
    ...(Object.keys(gone).length === 0 ? {} : { metadata: gone }),
  };
}
