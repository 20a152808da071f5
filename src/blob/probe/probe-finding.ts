/** The subject of a finding. */
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

/** One result of a probe. */
export interface ProbeFinding {
  readonly check: ProbeCheck;
  /** `ok`: works. `note`: for information. `warning`: works with a drawback. `problem`: backups do not work. */
  readonly level: 'ok' | 'note' | 'warning' | 'problem';
  /** One sentence without credentials. */
  readonly message: string;
  /** Advice, as one imperative sentence. Present with every problem. */
  readonly fix?: string;
}

/** How a store treats conditional writes. `unknown`: they could not be tried. */
export type ConditionalPut = 'honoured' | 'absent-only' | 'refused' | 'ignored' | 'unknown';

export interface ProbeReport {
  readonly location: string;
  /** In the order of the checks. */
  readonly findings: readonly ProbeFinding[];
  /** True when no finding is a problem. */
  readonly usable: boolean;
  /** The store's clock minus this computer's, in milliseconds. Null when the store's clock is unknown. */
  readonly clockOffsetMs: number | null;
  readonly conditionalPut: ConditionalPut;
}
