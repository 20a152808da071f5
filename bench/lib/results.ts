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
  /** How the results came about, where they are not all of one run. */
  readonly remark?: string;
  /** Groups that were published by another run than this one. */
  readonly others?: Readonly<Partial<Record<Group, RunFacts>>>;
  readonly rows: readonly GroupedRow[];
  readonly growth: readonly Slope[];
}

/**
 * The results of a run of some groups together with those that were published before: a run of all usual groups replaces
 * all but the groups that it did not measure, any other run only its own.
 */
export function joinedResults(before: Results, run: Results, measured: readonly Group[]): Results {
  const kept = before.rows.filter(({ group }) => !measured.includes(group));
  const usual = (Object.keys(GROUPS) as Group[]).filter((group) => !ASKED_FOR.includes(group));
  const isWhole = usual.every((group) => measured.includes(group));
  const { date, machine } = isWhole ? run : before;
  const factsOf = (group: Group): RunFacts =>
    measured.includes(group) ? run : (before.others?.[group] ?? before);
  const groups = [...new Set([...kept, ...run.rows].map(({ group }) => group))];
  const others = groups
    .map((group): [Group, RunFacts] => [
      group,
      { date: factsOf(group).date, machine: factsOf(group).machine },
    ])
    .filter(([, facts]) => JSON.stringify(facts) !== JSON.stringify({ date, machine }));
  const remark = isWhole ? run.remark : before.remark;
  return {
    ...{ date, machine },
    ...(remark === undefined ? {} : { remark }),
    ...(others.length === 0 ? {} : { others: Object.fromEntries(others) }),
    rows: [...kept, ...run.rows],
    growth: measured.includes('growth') ? run.growth : before.growth,
  };
}
