/** What a probe looked at. */
export type ProbeCheck =
  | 'settings'
  | 'endpoint'
  | 'credentials'
  | 'bucket'
  | 'region'
  | 'path-style'
  | 'clock'
  | 'list'
  | 'put'
  | 'get'
  | 'delete'
  | 'range'
  | 'paging'
  | 'checksum'
  | 'conditional-put'
  | 'versioning';

/** One thing that a probe found out. */
export interface Finding {
  readonly check: ProbeCheck;
  /** ok: as it should be. note: good to know. warning: works, with a drawback. problem: backups do not work. */
  readonly level: 'ok' | 'note' | 'warning' | 'problem';
  /** One sentence; contains no credentials. */
  readonly message: string;
  /** What to change, as one imperative sentence; present with every problem. */
  readonly fix?: string;
}

/** How a store treats conditional writes; `unknown` when it could not be tried. */
export type ConditionalPut = 'honoured' | 'absent-only' | 'refused' | 'ignored' | 'unknown';

export interface ProbeReport {
  readonly location: string;
  /** In the order of the checks. */
  readonly findings: readonly Finding[];
  /** No finding is a problem. */
  readonly usable: boolean;
  /** The store's clock minus this computer's, in milliseconds; null when it was not learnt. */
  readonly clockOffsetMs: number | null;
  readonly conditionalPut: ConditionalPut;
}
