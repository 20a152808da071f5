import type { Slope } from '../groups/growth.ts';
import type { MachineFacts } from './machine.ts';
import type { Row } from './row.ts';

/** The groups of rows, in the order of the page. */
export const GROUPS = {
  peers: 'Beside other memory servers',
  start: 'Start and end',
  tokens: "What it costs of a model's context",
  store: 'The store, without a model',
  model: 'Searches with the model',
  shared: 'Several processes on one data folder',
  http: 'The HTTP server',
  memory: 'Resident memory',
  growth: 'Growth',
  large: 'Many memories',
  sync: 'Sync with a bucket, encrypted',
  team: 'A team: servers on PostgreSQL, and spaces',
} as const;
export type Group = keyof typeof GROUPS;
/** Measured only when asked for: they need programs that not every machine has, or a quarter of an hour. */
export const ASKED_FOR: readonly Group[] = ['team', 'large'];

export interface GroupedRow extends Row {
  readonly group: Group;
}

/** What a run of the benchmark depends on. */
export interface RunFacts {
  /** `2026-01-31` */
  readonly date: string;
  readonly machine: MachineFacts & {
    /** Processes that wanted to run, over a minute before and after. */
    readonly loadBefore: number;
    readonly loadAfter: number;
  };
}

/** What a run of the benchmark writes. */
export interface Results extends RunFacts {
  /** Groups that were published by another run than this one. */
  readonly others?: Readonly<Partial<Record<Group, RunFacts>>>;
  readonly rows: readonly GroupedRow[];
  readonly growth: readonly Slope[];
}

/**
 * The results of a run of some groups together with those that were published before, of the groups that it did not measure.
 * Of the runs whose rows are left, the page is of the one with most groups.
 */
export function joinedResults(before: Results, run: Results, measured: readonly Group[]): Results {
  const kept = before.rows.filter(({ group }) => !measured.includes(group));
  const rows = [...kept, ...run.rows];
  const runs = [...new Set(rows.map(({ group }) => group))].map((group): [Group, RunFacts] => {
    const { date, machine } = measured.includes(group) ? run : (before.others?.[group] ?? before);
    return [group, { date, machine }];
  });
  const isOf = (facts: RunFacts, other: RunFacts): boolean => JSON.stringify(facts) === JSON.stringify(other);
  const groupsOf = (facts: RunFacts): number => runs.filter(([, other]) => isOf(facts, other)).length;
  const page = runs.reduce<RunFacts>((most, [, facts]) => (groupsOf(facts) > groupsOf(most) ? facts : most), {
    date: run.date,
    machine: run.machine,
  });
  const others = runs.filter(([, facts]) => !isOf(facts, page));
  return {
    ...page,
    ...(others.length === 0 ? {} : { others: Object.fromEntries(others) }),
    rows,
    growth: measured.includes('growth') ? run.growth : before.growth,
  };
}
