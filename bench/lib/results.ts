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
  http: 'The HTTP server',
  memory: 'Resident memory',
  growth: 'Growth',
  sync: 'Sync with a bucket, encrypted',
} as const;
export type Group = keyof typeof GROUPS;

export interface GroupedRow extends Row {
  readonly group: Group;
}

/** What a run of the benchmark writes. */
export interface Results {
  /** `2026-01-31` */
  readonly date: string;
  readonly machine: MachineFacts & {
    /** Processes that wanted to run, over a minute before and after. */
    readonly loadBefore: number;
    readonly loadAfter: number;
  };
  /** How the results came about, where they are not all of one run. */
  readonly remark?: string;
  readonly rows: readonly GroupedRow[];
  readonly growth: readonly Slope[];
}
